package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.linux.DirectorySync;
import dev.tenon.core.linux.FileMove;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.spi.backup.GuestType;
import dev.tenon.core.storage.tenonbackup.ArchiveExport;
import dev.tenon.host.Host;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes an archive of PVE. */
@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        description =
                "Writes a backup as an archive that PVE restores without Tenon: *.vma of a VM, *.tar of a container."
                        + " With .zst, .gz, .lzo or .bz2 behind, it is packed by the program of that name. PVE takes it for a"
                        + " backup if it is named as vzdump would, for instance vzdump-qemu-100-2026_01_02-03_04_05.vma.zst, in"
                        + " the folder dump of a storage. Only its owner may read it."
                        + " It is not encrypted, even if the backup is.",
        footer = {
            "",
            "Example: tenon backup export keep:backup/qemu/100/2026-01-02T03:04:05Z"
                    + " /var/lib/vz/dump/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst"
        })
final class ExportArchiveCommand extends HostCommand {
    private static final int BUFFER = 1 << 18;

    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(index = "0", paramLabel = "VOLID", description = "the backup, on a storage of type tenonbackup")
    @SuppressWarnings("NullAway.Init")
    private VolumeId archive;

    @Parameters(index = "1", paramLabel = "FILE", description = "a new file; it appears when it is complete")
    private String file = "";

    @Option(names = "--quiet", description = "show no progress, and say only what is wrong")
    private boolean quiet;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        Path place = Surroundings.of(command).path(file);
        try (Repository repository = RepositoryCommand.open(host, archive.storage());
                ArchiveExport export = new ArchiveExport(repository, archive);
                Progress progress = new Progress(err(), Terminal.ofErrors(), "exporting " + archive)) {
            String kind = export.type() == GuestType.LXC ? "tar" : "vma";
            if (!file.matches(".*\\." + kind + "(\\.(zst|gz|lzo|bz2))?")) {
                throw wrongUsage(
                        "'" + file + "' does not end in ." + kind + ", .zst, .gz, .lzo or .bz2 after it, by which"
                                + " PVE knows the archive of a " + (kind.equals("tar") ? "container" : "VM"));
            }
            if (Files.exists(place)) {
                throw StorageException.refused(
                        StorageError.ALREADY_EXISTS, "there is a file " + Quoted.of(file) + " already");
            }
            LongConsumer shown = quiet
                    ? _ -> {}
                    : done -> progress.reached(done, export.size().bytes());
            write(export, place, shown);
        }
        if (json.isGiven()) {
            Json.print(out(), Json.object("file", file, "size", Files.size(place)));
        } else {
            out().println(file);
        }
    }

    private void write(ArchiveExport export, Path place, LongConsumer shown) throws IOException {
        Path written = place.resolveSibling(place.getFileName() + ".dat");
        // An encrypted backup is readable there.
        try (FileChannel channel = FileChannel.open(
                written,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            try {
                List<String> program = packing();
                if (program == null) {
                    OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
                    export.write(out, shown);
                    out.flush();
                } else {
                    pack(program, export, channel, shown);
                }
                channel.force(true);
                FileMove.withoutReplacing(written, place);
            } catch (IOException | RuntimeException e) {
                Files.deleteIfExists(written);
                throw e;
            }
        } catch (FileAlreadyExistsException e) {
            throw StorageException.refused(
                    StorageError.ALREADY_EXISTS,
                    "there is a file " + Quoted.of(file) + " already, or one with .dat behind, which another export is"
                            + " writing or has left; remove it");
        }
        DirectorySync.of(place.toAbsolutePath().resolveSibling(".").normalize());
    }

    private @Nullable List<String> packing() {
        return switch (file.substring(file.lastIndexOf('.'))) {
            case ".zst" -> List.of("zstd", "-q", "-c");
            case ".gz" -> List.of("gzip", "-c");
            case ".lzo" -> List.of("lzop", "-c");
            case ".bz2" -> List.of("bzip2", "-c");
            default -> null;
        };
    }

    private static void pack(List<String> words, ArchiveExport export, FileChannel to, LongConsumer shown)
            throws IOException {
        Process program = new ProcessBuilder(words)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        Packed packed = new Packed(program, to);
        Thread taker = Thread.ofPlatform().daemon().name("packing").start(packed);
        try {
            try (OutputStream out = new BufferedOutputStream(program.getOutputStream(), BUFFER)) {
                export.write(out, shown);
            } catch (IOException e) {
                // It was ended because the file could not be written.
                IOException cause = packed.failure;
                throw cause == null ? e : cause;
            }
            taker.join();
            int status = program.waitFor();
            IOException failure = packed.failure;
            if (failure != null) {
                throw failure;
            }
            if (status != 0) {
                throw new IOException(words.getFirst() + " ended with status " + status);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StorageException(StorageError.CANCELLED, Outcome.FAILED_CLEAN, "the export was interrupted", e);
        } finally {
            program.destroyForcibly();
        }
    }

    /** Moves what a program writes into a file. */
    private static final class Packed implements Runnable {
        private final Process from;
        private final FileChannel to;
        private volatile @Nullable IOException failure;

        Packed(Process from, FileChannel to) {
            this.from = from;
            this.to = to;
        }

        @Override
        public void run() {
            try (InputStream packed = from.getInputStream()) {
                packed.transferTo(Channels.newOutputStream(to));
            } catch (IOException e) {
                failure = e;
                from.destroyForcibly();
            }
        }
    }
}
