@NullMarked
package dev.tenon.core.backup.host;

import org.jspecify.annotations.NullMarked;
