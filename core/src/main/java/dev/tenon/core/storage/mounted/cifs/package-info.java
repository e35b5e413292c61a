/** The storage type {@code cifs}: a share of an SMB server. */
@NullMarked
package dev.tenon.core.storage.cifs;

import org.jspecify.annotations.NullMarked;
