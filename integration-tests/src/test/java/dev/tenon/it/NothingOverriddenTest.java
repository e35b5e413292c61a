package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlCaller;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.ScratchStorage;
import dev.tenon.it.support.StorageCommands;
import dev.tenon.proto.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A plugin that overrides nothing: whatever is asked of it is answered by what it inherits. */
class NothingOverriddenTest {
    private static final String VOLUME = "100/vm-100-disk-0.qcow2";

    private static final String BASE = "100/base-100-disk-0.qcow2";

    /** What is refused of these calls, since the storage has no such ability or nothing of that name; all else is answered. */
    private static final List<String> REFUSED = List.of(
            "check_config",
            "clone_image",
            "cluster_lock_storage",
            "get_identity",
            "get_import_metadata",
            "get_volume_notes",
            "new_backup_provider",
            "qemu_blockdev_options",
            "rename_snapshot",
            "rename_volume",
            "update_volume_attribute",
            "update_volume_notes",
            "volume_export",
            "volume_import",
            "volume_resize",
            "volume_snapshot_rollback");

    private static Map<String, Object> section(ScratchStorage images) {
        return Map.of("type", "bare", "path", images.path().toString(), "content", Map.of("images", "1"));
    }

    @Test
    void everyInheritedMethodIsAnswered(Scratch scratch) throws IOException {
        ScratchStorage images = ScratchStorage.create(scratch);
        DaemonProcess.start(scratch, Installation.plugin("BarePlugin.pm"));
        PerlCaller plugin = PerlCaller.start(scratch).calling("bare");
        Map<String, String> refused = new TreeMap<>();
        for (Method method : StorageApi.API.table().methods().values()) {
            if ("class".equals(method.answered())) {
                continue;
            }
            images.image(VOLUME, "-f", "qcow2", "1M");
            PerlCaller.Answer answer = call(plugin, method, images, scratch);
            if (answer.error() != null) {
                refused.put(method.name(), answer.error().strip());
            }
            Files.deleteIfExists(images.image(VOLUME));
            if (Files.exists(images.image(BASE))) {
                // It is protected from being removed in another way.
                plugin.nothing("free_image", "nas", section(images), BASE, 1, "qcow2")
                        .value();
            }
        }
        Path pve = Installation.pveLibrary();
        assertThat(refused.values())
                .noneMatch(why -> why.contains("must say its own type"))
                .noneMatch(why -> why.contains(" line ") && (pve == null || !why.contains(" at " + pve)));
        if (pve == null) {
            assertThat(refused).containsOnlyKeys(REFUSED);
        }
    }

    private static PerlCaller.Answer call(PerlCaller plugin, Method method, ScratchStorage images, Scratch scratch)
            throws IOException {
        Map<String, Object> samples = new HashMap<>(LevelMatrixTest.SAMPLES);
        samples.put("scfg", section(images));
        samples.put("volname", VOLUME);
        samples.put("name", "vm-100-disk-9.raw");
        List<Object> args = new ArrayList<>();
        for (String position : method.positionsAt(StorageApi.API.table().newestLevel())) {
            if (position.startsWith("%")) {
                ((Map<?, ?>) Objects.requireNonNull(samples.get(position.substring(1)), position))
                        .forEach((key, value) -> args.addAll(List.of(key, value)));
            } else if (position.equals("fh")) {
                String kind = method.name().equals("volume_import") ? "$read" : "$write";
                args.add(Map.of(
                        kind, Files.writeString(scratch.file("stream"), "7").toString()));
            } else {
                args.add(Objects.requireNonNull(samples.get(position), position));
            }
        }
        return switch (method.perlContext()) {
            case "list" -> plugin.list(method.name(), args.toArray());
            case "scalar" -> plugin.scalar(method.name(), args.toArray());
            default -> plugin.nothing(method.name(), args.toArray());
        };
    }

    @Test
    void aStorageOfItIsAddedChangedAndRemoved(Scratch scratch) {
        StorageCommands tenon = new StorageCommands(scratch).with(Installation.plugin("BarePlugin.pm"));
        tenon.said("storage", "add", "bare", "b1", "--path", scratch.storage().toString());
        tenon.said("storage", "set", "b1", "--content", "images,iso", "--nodes", "here");
        tenon.said("storage", "set", "b1", "--delete", "nodes");
        assertThat(tenon.written())
                .contains("bare: b1\n")
                .contains("content images,iso\n")
                .doesNotContain("nodes");
        tenon.said("storage", "remove", "b1");
        assertThat(tenon.written()).doesNotContain("b1");
    }
}
