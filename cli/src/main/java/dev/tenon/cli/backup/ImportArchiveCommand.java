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
import dev.tenon.host.Host;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
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
                "Takes an archive of a VM that PVE's vzdump made into a storage of type tenonbackup, and prints the"
                        + " backup's volume id. It is read once and never unpacked. Its notes and protection beside it come along."
                        + " Files that end in .zst and .lzo are read by the programs zstd and lzop.",
        footer = {
            "",
            "Example: tenon backup import /var/lib/vz/dump/vzdump-qemu-100-2026_01_02-03_04_05.vma.zst --storage keep"
        })
final class ImportArchiveCommand extends HostCommand {
    @Spec
    private CommandSpec command = CommandSpec.create();

    @Parameters(paramLabel = "FILE", description = "the archive: *.vma, *.vma.zst, *.vma.lzo or *.vma.gz")
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
            snapshot = VmaImport.run(
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

    private Vmid guest(String name) {
        if (vmid != null) {
            return vmid;
        }
        BackupName told = BackupName.of(name);
        BackupName.Standard standard = told.standard();
        if (!told.type().equals("qemu") || standard == null) {
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
