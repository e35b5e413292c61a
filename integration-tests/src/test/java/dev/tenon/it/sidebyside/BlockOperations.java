package dev.tenon.it.sidebyside;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Random operations on volumes that are no files. What a type in Java does on purpose in another way than PVE's plugin is told
 * to Java alone, or to nobody.
 */
abstract class BlockOperations extends Choice<BlockOperations.Next> {
    static final List<Long> GUESTS = List.of(100L, 101L, 9000L);
    static final List<String> SNAPSHOTS = List.of("one", "Two_2", "three-3");
    static final List<String> FEATURES =
            List.of("clone", "copy", "rename", "replicate", "snapshot", "sparseinit", "template");

    private static final Shares SHARES = new Shares(18, 12, 20, 5);

    final String storage;
    /** By the names of volumes, as the id of a linked clone may change. */
    private final Map<String, List<String>> snapshots = new HashMap<>();

    /**
     * What is done next.
     *
     * @param refusal what Java's refusal contains, if PVE is not told because it would do harm; null if it is told
     */
    record Next(Operation operation, @Nullable String refusal) {
        static Next both(String function, @Nullable Object... arguments) {
            return new Next(Operation.of(function, arguments), null);
        }

        static Next java(String refusal, String function, @Nullable Object... arguments) {
            return new Next(Operation.of(function, arguments), refusal);
        }
    }

    BlockOperations(Random random, String storage) {
        super(random, SHARES);
        this.storage = storage;
    }

    @Override
    Next free(Listed volume) {
        return Next.both("vdisk_free", volume.volid());
    }

    static String name(String volid) {
        return volid.replaceFirst(".*[:/]", "");
    }

    /** In the order in which they were taken. */
    List<String> snapshots(Listed volume) {
        return snapshots.getOrDefault(name(volume.volid()), List.of());
    }

    boolean hasSnapshots(Listed volume) {
        return !snapshots(volume).isEmpty();
    }

    /** What was done, and the volumes that there are then. */
    void happened(Operation operation, Answer answer, List<Listed> listed) {
        listed(listed);
        if (answer.error() != null) {
            return;
        }
        String subject = name(operation.volid().orElse(""));
        switch (operation.function()) {
            case "vdisk_free" -> snapshots.remove(subject);
            case "rename_volume", "vdisk_create_base" -> {
                List<String> moved = snapshots.remove(subject);
                if (moved != null) {
                    snapshots.put(name(String.valueOf(answer.result())), moved);
                }
            }
            case "volume_snapshot" ->
                snapshots.computeIfAbsent(subject, absent -> new ArrayList<>()).add(operation.text(1));
            case "volume_snapshot_delete" ->
                snapshots.getOrDefault(subject, new ArrayList<>()).remove(operation.text(1));
            default -> {}
        }
    }
}
