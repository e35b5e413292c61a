package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Progress;
import dev.tenon.cli.console.Terminal;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.backup.repository.Repository;
import dev.tenon.core.backup.repository.Snapshot;
import dev.tenon.core.backup.vma.VmaImport;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeId;
import dev.tenon.core.storage.common.BackupName;
import dev.tenon.core.storage.tenonbackup.Archives;
import dev.tenon.core.storage.tenonbackup.TarImport;
import dev.tenon.host.Host;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes an archive of PVE over. */
@Command(
        name = "import",
        mixinStandardHelpOptions = true,
        description =
                "Takes an archive of a VM or a container that PVE's vzdump made into a storage of type tenonbackup, and"
                        + " prints the backup's volume id. It is read once and never unpacked. Its notes and protection beside it"
                        + " come along. Files that end in .zst, .lzo and .bz2 are read by the programs zstd, lzop and bzip2.",
        footer = {
            "",
            "Example: tenon backup import /var/lib/vz/dump/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst --storage keep",
            "Example: tenon backup import /var/lib/vz/dump/vzdump-lxc-101-2026_01_02-03_04_05.tar.zst --storage keep"
        })
final class ImportArchiveCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(
            paramLabel = "FILE",
            description = "the archive: *.vma or *.tar, and then maybe .zst, .gz, .lzo or .bz2")
    private String file = "";

    @Option(names = "--storage", required = true, paramLabel = "NAME", description = "the storage that keeps it")
    @SuppressWarnings("NullAway.Init")
    private StorageId storage;

    @Option(names = "--vmid", paramLabel = "N", description = "the guest's number (default: that of the file's name)")
    private @Nullable Vmid vmid;

    @Option(names = "--quiet", description = "show no progress, and say only what is wrong")
    private boolean quiet;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    protected void run(Host host) throws IOException {
        Path archive = Surroundings.of(command).path(file);
        if (!Files.isRegularFile(archive)) {
            throw wrongUsage("there is no archive '" + file + "'");
        }
        Vmid guest = guest(String.valueOf(archive.getFileName()));
        Snapshot snapshot;
        try (Repository repository = RepositoryCommand.open(host, storage);
                Progress progress = new Progress(err(), Terminal.ofErrors(), "importing " + file);
                PackedFile packed = PackedFile.open(archive)) {
            long size = Files.size(archive);
            InputStream in = quiet ? packed.content() : counted(packed, size, progress);
            snapshot = isContainer(file)
                    ? TarImport.run(
                            repository,
                            Archives.NAMESPACE,
                            guest,
                            time(archive),
                            in,
                            warning -> err().println("tenon: " + warning))
                    : VmaImport.run(
                            repository,
                            Archives.NAMESPACE,
                            guest,
                            in,
                            Runtime.getRuntime().maxMemory() / 2);
            Path notes = archive.resolveSibling(archive.getFileName() + ".notes");
            if (Files.exists(notes)) {
                repository.setNotes(snapshot.id(), Files.readString(notes));
            }
            if (Files.exists(archive.resolveSibling(archive.getFileName() + ".protected"))) {
                repository.setProtected(snapshot.id(), true);
            }
        }
        tellMade(new VolumeId(storage, Archives.name(snapshot.id()).volume()), json);
    }

    private static boolean isContainer(String name) {
        return name.matches(".*\\.(tgz|tar(\\.(zst|gz|lzo|bz2))?)");
    }

    /** A tar archive does not tell when it was begun; its name does. */
    private static Instant time(Path archive) throws IOException {
        BackupName.Standard standard =
                BackupName.of(String.valueOf(archive.getFileName())).standard();
        long seconds = standard != null
                ? standard.seconds()
                : Files.getLastModifiedTime(archive).to(TimeUnit.SECONDS);
        return Instant.ofEpochSecond(seconds);
    }

    private Vmid guest(String name) {
        if (vmid != null) {
            return vmid;
        }
        BackupName told = BackupName.of(name);
        BackupName.Standard standard = told.standard();
        if (!told.type().equals(isContainer(name) ? "lxc" : "qemu") || standard == null) {
            throw wrongUsage("the name of '" + file + "' does not tell the guest's number; say it with --vmid");
        }
        return new Vmid(Long.parseLong(standard.guest()));
    }

    /** Tells how much of the file has been read. */
    private static InputStream counted(PackedFile packed, long size, Progress progress) {
        return new FilterInputStream(packed.content()) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                int read = super.read(to, offset, length);
                progress.reached(read < 0 ? size : Math.min(size, packed.position()), size);
                return read;
            }
        };
    }
}
