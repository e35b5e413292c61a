package dev.tenon.core.storage.tenonbackup;

import dev.tenon.core.backup.repository.BadRepositoryException;
import dev.tenon.core.backup.repository.FileContent;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.RepositoryReader;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.repository.TreeEntry;
import dev.tenon.core.backup.repository.TreeReader;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Single files of a container's backup. For one thread at a time. */
public final class ContainerFiles implements AutoCloseable {
    private static final int PIECE = 1 << 20;

    private final VolumeId volume;
    private final RepositoryReader reader;
    private final TreeReader tree;

    /**
     * Looks into a backup.
     *
     * @param volume a backup in the repository
     * @throws StorageException {@code NOT_FOUND} if it is not there, {@code NOT_SUPPORTED} if it is a VM's
     */
    public ContainerFiles(Repository repository, VolumeId volume) throws IOException {
        this.volume = volume;
        this.reader = repository.read();
        try {
            Snapshot snapshot = reader.find(Archives.id(volume.volume()))
                    .orElseThrow(() ->
                            StorageException.refused(StorageError.NOT_FOUND, "there is no backup '" + volume + "'"));
            this.tree = reader.tree(snapshot)
                    .orElseThrow(() -> StorageException.refused(
                            StorageError.NOT_SUPPORTED,
                            "'" + volume + "' is the backup of a VM, which has disks and no files; restore it with"
                                    + " 'tenon backup restore'"));
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    private static String inner(String path) {
        String relative = path.replaceFirst("^(\\.?/+)+", "").replaceFirst("/+$", "");
        String found = relative.equals(".") ? "" : relative;
        return new String(found.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }

    private TreeEntry present(String path) throws IOException {
        return tree.find(inner(path))
                .orElseThrow(() -> StorageException.refused(
                        StorageError.NOT_FOUND, "there is no " + Quoted.of(path) + " in the backup '" + volume + "'"));
    }

    /**
     * Shows what is at a path: an entry that is no directory, or what is in a directory.
     *
     * @param isDeep also what is in directories below
     */
    public void list(String path, boolean isDeep, Consumer<TreeEntry> shown) throws IOException {
        TreeEntry top = present(path);
        if (top.kind() != TreeEntry.Kind.DIRECTORY) {
            shown.accept(top);
            return;
        }
        TreeReader.Cursor cursor = tree.from(top.path());
        cursor.next();
        int prefix = top.path().isEmpty() ? 0 : top.path().length() + 1;
        for (TreeEntry entry = cursor.next();
                entry != null && TreeEntry.isIn(top.path(), entry.path());
                entry = cursor.next()) {
            if (isDeep || entry.path().indexOf('/', prefix) < 0) {
                shown.accept(entry);
            }
        }
    }

    /**
     * Writes the bytes of a file.
     *
     * @throws StorageException {@code BAD_PARAMETER} if it is none
     */
    public void write(String path, OutputStream out) throws IOException {
        TreeEntry file = linked(present(path));
        if (file.kind() != TreeEntry.Kind.FILE) {
            throw StorageException.refused(
                    StorageError.BAD_PARAMETER, Quoted.of(path) + " is no file in the backup '" + volume + "'");
        }
        FileContent content = tree.content(file);
        byte[] bytes = new byte[PIECE];
        for (long at = 0; at < content.size(); ) {
            int length = (int) Math.min(PIECE, content.size() - at);
            content.read(at, ByteBuffer.wrap(bytes, 0, length));
            out.write(bytes, 0, length);
            at += length;
        }
    }

    /** The entry of which a hard link is another name. */
    private TreeEntry linked(TreeEntry entry) throws IOException {
        return entry.kind() == TreeEntry.Kind.HARD_LINK
                ? tree.find(entry.target()).orElse(entry)
                : entry;
    }

    /**
     * Unpacks a file or a directory with all that is in it, into a directory that is there. What is there already is written
     * over.
     */
    public void extract(String path, Path directory) throws IOException {
        TreeEntry top = present(path);
        Path errors = Files.createTempFile("tenon-extract-", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(
                            "tar",
                            "--extract",
                            "--preserve-permissions",
                            "--numeric-owner",
                            "--xattrs",
                            "--xattrs-include=*",
                            "--file=-",
                            "--directory=" + directory)
                    .redirectError(errors.toFile())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD);
            builder.environment().put("LC_ALL", "C");
            builder.environment().remove("TAR_OPTIONS");
            Process process = builder.start();
            try {
                IOException failure = feed(top, process);
                int status = process.waitFor();
                if (status != 0) {
                    throw new StorageException(
                            StorageError.COMMAND_FAILED,
                            Outcome.UNKNOWN,
                            "unable to unpack " + Quoted.of(path) + " into '" + directory + "': "
                                    + said(errors, status));
                }
                if (failure != null) {
                    throw failure;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new StorageException(StorageError.CANCELLED, Outcome.UNKNOWN, "unpacking was interrupted", e);
            } finally {
                process.destroyForcibly();
            }
        } finally {
            Files.deleteIfExists(errors);
        }
    }

    /** What tar says is the reason if it has ended; otherwise it is what went wrong here. */
    private @Nullable IOException feed(TreeEntry top, Process process) throws IOException {
        try (OutputStream out = process.getOutputStream()) {
            tar(top, out);
            return null;
        } catch (IOException e) {
            if (e instanceof BadRepositoryException) {
                throw e;
            }
            return e;
        }
    }

    private static String said(Path errors, int status) throws IOException {
        String words = Files.readString(errors, StandardCharsets.ISO_8859_1).strip();
        return words.isEmpty()
                ? "tar ended with status " + status
                : words.lines().findFirst().orElseThrow();
    }

    /** Writes a tar archive of an entry and what is in it, named from its own name on. */
    private void tar(TreeEntry top, OutputStream out) throws IOException {
        int prefix = top.path().lastIndexOf('/') + 1;
        // The first name in the archive of what has its own name outside of it.
        Map<String, String> outside = new HashMap<>();
        byte[] piece = new byte[PIECE];
        TreeReader.Cursor cursor = tree.from(top.path());
        for (TreeEntry entry = cursor.next();
                entry != null && TreeEntry.isIn(top.path(), entry.path());
                entry = cursor.next()) {
            String name = TarHeader.name(entry.path().substring(prefix));
            TreeEntry written = entry;
            String target = entry.target();
            if (entry.kind() == TreeEntry.Kind.HARD_LINK) {
                if (TreeEntry.isIn(top.path(), entry.target())) {
                    target = TarHeader.name(entry.target().substring(prefix));
                } else if (outside.containsKey(entry.target())) {
                    target = outside.get(entry.target());
                } else {
                    written = linked(entry);
                    target = written.target();
                    outside.put(entry.target(), name);
                }
            }
            write(TarMember.of(written, name, target, tree), piece, out);
        }
        out.write(new byte[2 * TarHeader.BLOCK]);
    }

    private static void write(TarMember member, byte[] piece, OutputStream out) throws IOException {
        long all = member.length();
        for (long at = 0; at < all; ) {
            int length = (int) Math.min(piece.length, all - at);
            member.read(at, ByteBuffer.wrap(piece, 0, length));
            out.write(piece, 0, length);
            at += length;
        }
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
