/** The storage type {@code cifs}: a share of an SMB server. */
@NullMarked
package dev.tenon.core.storage.mounted.cifs;

import org.jspecify.annotations.NullMarked;
