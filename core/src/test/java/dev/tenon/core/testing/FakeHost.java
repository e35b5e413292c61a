package dev.tenon.core.testing;

import dev.tenon.core.storage.mounted.MountHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * A node whose kernel can mount everything: its programs note how they are called, and {@code mount}, {@code umount} and
 * {@code systemctl} change a file of mounts.
 */
public final class FakeHost {
    private static final String MOUNT = """
            if [ -e "$host/bind" ]; then /bin/mount --bind "$(cat "$host/bind")" "$4" || exit 1; fi
            echo "$3 $4 $2 rw 0 0" >>"$host/mounts"
            """;
    private static final String UMOUNT = """
            if [ -e "$host/bind" ]; then /bin/umount "$1" || exit 1; fi
            tac "$host/mounts" | awk -v on=" $1 " '!gone && index($0, on) { gone = 1; next } 1' | tac >"$host/mounts.new"
            mv "$host/mounts.new" "$host/mounts"
            """;
    private static final String SYSTEMCTL = """
            if [ "$1" = start ]; then
                value() { sed -n "s/^$1=//p" "$host/units/$unit"; }
                unit=$2
                echo "$(value What) $(value Where) $(value Type) rw 0 0" >>"$host/mounts"
            fi
            """;

    private final Path directory;

    private FakeHost(Path directory) {
        this.directory = directory;
    }

    /** A new one in this directory, which has nothing mounted. */
    public static FakeHost in(Path directory) {
        FakeHost host = new FakeHost(directory);
        try {
            Files.createDirectories(directory.resolve("bin"));
            Files.createFile(directory.resolve("mounts"));
            host.program("mount", MOUNT);
            host.program("umount", UMOUNT);
            host.program("systemctl", SYSTEMCTL);
            for (String name : List.of("showmount", "rpcinfo", "smbclient", "mount.nfs", "mount.cifs")) {
                host.program(name, "");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return host;
    }

    private void program(String name, String does) throws IOException {
        String script = """
                #!/bin/sh
                host=%s
                self=$(basename "$0")
                { printf '%%s' "$self"; for word in "$@"; do printf '|%%s' "$word"; done; echo; } >>"$host/calls"
                if [ -e "$host/$self.says" ]; then cat "$host/$self.says"; fi
                if [ -e "$host/$self.fails" ]; then cat "$host/$self.fails" >&2; exit 32; fi
                """.formatted(directory) + does;
        Path file = Files.writeString(directory.resolve("bin").resolve(name), script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    public MountHost host() {
        return new MountHost(
                directory.resolve("mounts"),
                List.of(directory.resolve("bin")),
                directory.resolve("etc"),
                directory.resolve("units"));
    }

    /** PVE's configuration on this node. */
    public Path etc() {
        return directory.resolve("etc");
    }

    public Path units() {
        return directory.resolve("units");
    }

    /** From now on this program writes this to its standard output. */
    public void says(String program, String text) {
        write(program + ".says", text);
    }

    /** From now on this program fails with this on its standard error. */
    public void fails(String program, String text) {
        write(program + ".fails", text);
    }

    public void fails(String program) {
        fails(program, "");
    }

    /** From now on what is mounted is really this directory, as far as the kernel is concerned. */
    public void binds(Path source) {
        write("bind", source.toString());
    }

    /** Something is mounted already. */
    public void mounts(String source, Path mountPoint, String type) {
        write("mounts", source + " " + mountPoint + " " + type + " rw 0 0\n");
    }

    /** Two have mounted it at once, and util-linux 2.41 let both. */
    public void stacks(String source, Path mountPoint, String type) {
        write("mounts", (source + " " + mountPoint + " " + type + " rw 0 0\n").repeat(2));
    }

    /** This node has no such program. */
    public void lacks(String program) {
        try {
            Files.delete(directory.resolve("bin").resolve(program));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(String file, String text) {
        try {
            Files.writeString(directory.resolve(file), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The calls since the last time this was asked: the words of each with bars between them. */
    public List<String> calls() {
        Path file = directory.resolve("calls");
        try {
            List<String> calls = Files.exists(file) ? new ArrayList<>(Files.readAllLines(file)) : List.of();
            Files.deleteIfExists(file);
            return calls;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
