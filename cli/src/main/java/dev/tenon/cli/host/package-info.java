/** What the commands share: options, the host of storages, and how a command ends. */
@NullMarked
package dev.tenon.cli.host;

import org.jspecify.annotations.NullMarked;
