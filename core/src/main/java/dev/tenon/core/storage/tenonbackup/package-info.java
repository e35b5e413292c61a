/** The storage type {@code tenonbackup}: backups of guests in a repository of chunks ({@code docs/REPOSITORY.md}). */
@NullMarked
package dev.tenon.core.storage.tenonbackup;

import org.jspecify.annotations.NullMarked;
