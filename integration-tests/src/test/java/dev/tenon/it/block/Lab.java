package dev.tenon.it.block;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.lock.Locks;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.block.lvm.LvmHost;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Volume groups on the disks of a guest, and storages on them. Only for a guest: it takes whole disks. */
public final class Lab {
    static final String GROUP = "lab-vg";
    public static final String POOL = "data";

    /** With the patience that a loaded machine needs. */
    static final LvmHost HOST = new LvmHost(
            Path.of("/sbin"), Path.of("/dev"), Locks.ofHost(), Duration.ofMinutes(5), Duration.ofMinutes(10));

    private Lab() {}

    /** A volume group of this name on a disk, and a thin pool in it, unless they are there. */
    public static void prepare(String group, String disk) {
        assertThat(System.getenv("TENON_GUEST")).as("this is a guest").isNotBlank();
        if (run("vgs", "--noheadings", "-o", "vg_name")
                .lines()
                .noneMatch(line -> line.strip().equals(group))) {
            run("pvcreate", "-q", disk);
            run("vgcreate", "-q", group, disk);
            run("lvcreate", "-q", "-L", "512m", "-T", group + "/" + POOL);
        }
    }

    static Storage thick(String group, Map<String, Object> more) {
        return storage("lvm", Map.of("vgname", group), more);
    }

    static Storage thin(String group, String pool) {
        return storage("lvmthin", Map.of("vgname", group, "thinpool", pool), Map.of());
    }

    private static Storage storage(String type, Map<String, Object> own, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>(own);
        properties.put("content", Map.of("images", "1", "rootdir", "1"));
        properties.putAll(more);
        return new Storage(new StorageId("lab"), new StorageConfig(type, properties));
    }

    static Path directory() {
        try {
            return Files.createTempDirectory("outside-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a command says, which must succeed. */
    public static String run(String... command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor())
                    .as(String.join(" ", List.of(command)) + ": " + said)
                    .isZero();
            return said;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
