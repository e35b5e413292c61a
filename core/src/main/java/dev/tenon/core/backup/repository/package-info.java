/**
 * A repository of backups: content-addressed chunks in packs, snapshots that name them, and several writers and readers at
 * once without a server. Its format is {@code docs/REPOSITORY.md}.
 */
@NullMarked
package dev.tenon.core.backup.repository;

import org.jspecify.annotations.NullMarked;
