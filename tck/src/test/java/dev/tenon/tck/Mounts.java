package dev.tenon.tck;

import dev.tenon.core.spi.Format.Image;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.mounted.MountHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Storages that are mounted, in a scratch directory: a mount is a line in a file there, which its programs write. */
final class Mounts {
    private static final Set<Image> FILES = EnumSet.of(Image.RAW, Image.QCOW2, Image.VMDK);

    private Mounts() {}

    static Subject subject(
            Path scratch, Function<MountHost, StoragePlugin> plugins, boolean hasChains, Map<String, Object> more) {
        Path programs = scratch.resolve("bin");
        Path mounts = scratch.resolve("mounts");
        try {
            Files.createDirectories(programs);
            Files.createDirectories(scratch.resolve("outside"));
            if (!Files.exists(mounts)) {
                Files.createFile(mounts);
            }
            program(programs.resolve("mount"), "echo \"$3 $4 $2 rw 0 0\" >>'" + mounts + "'");
            program(
                    programs.resolve("umount"),
                    "grep -v \" $1 \" '%1$s' >'%1$s.new'; mv '%1$s.new' '%1$s'".formatted(mounts));
            program(programs.resolve("showmount"), "exit 0");
            program(programs.resolve("smbclient"), "exit 0");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        StoragePlugin plugin = plugins.apply(
                new MountHost(mounts, List.of(programs), scratch.resolve("etc"), scratch.resolve("units")));
        return Subject.ofFiles(
                plugin,
                storage(plugin, scratch.resolve("store"), hasChains, more),
                storage(plugin, scratch.resolve("mounts/no-directory"), hasChains, more),
                scratch.resolve("outside"),
                new Abilities(
                        FILES,
                        Set.of(Image.QCOW2),
                        FILES,
                        FILES,
                        FILES,
                        Set.of(Image.RAW, Image.QCOW2),
                        hasChains,
                        true,
                        true));
    }

    private static void program(Path file, String does) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + does + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Storage storage(StoragePlugin plugin, Path path, boolean hasChains, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>(more);
        properties.put("path", path.toString());
        properties.put("server", "nas.example.org");
        properties.put("content", Map.of("images", "1", "rootdir", "1", "backup", "1"));
        if (hasChains) {
            properties.put("snapshot-as-volume-chain", "1");
        }
        return Storage.of("nas", plugin.type(), properties);
    }
}
