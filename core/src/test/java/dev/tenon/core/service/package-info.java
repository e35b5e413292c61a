/** Tests of the host of plugins. */
@NullMarked
package dev.tenon.core.service;

import org.jspecify.annotations.NullMarked;
