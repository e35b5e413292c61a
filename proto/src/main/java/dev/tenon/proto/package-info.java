/**
 * The contract: frames, values, limits, error codes and the table of methods. Java and Perl read the same data files,
 * which lie beside these classes; {@code docs/PROTOCOL.md} is the same contract in prose.
 */
@NullMarked
package dev.tenon.proto;

import org.jspecify.annotations.NullMarked;
