package dev.tenon.core.backup.host;

import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.QmpException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Nodes and exports that are added to a QEMU, and taken away again in the opposite order, also if adding them failed half
 * way.
 */
final class SnapshotNodes {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotNodes.class);

    /** As PVE's QEMU has it: a guest must not wait longer for the copy of what it overwrites. */
    private static final int COPY_TIMEOUT_SECONDS = 45;

    /** What undoes a step. */
    private interface Undo {
        void run() throws QmpException;
    }

    private record Step(String what, Undo undo) {}

    private final Qmp qmp;
    private final Deque<Step> steps = new ArrayDeque<>();

    SnapshotNodes(Qmp qmp) {
        this.qmp = qmp;
    }

    /** Says how something is undone that was done elsewhere. */
    void undoLater(String command, Map<String, ?> arguments) {
        steps.push(new Step(command, () -> qmp.execute(command, arguments)));
    }

    /** Adds a node, which goes with the others. */
    void add(Map<String, ?> options) throws QmpException {
        qmp.execute("blockdev-add", options);
        undoLater("blockdev-del", Map.of("node-name", String.valueOf(options.get("node-name"))));
    }

    /** The options of a filter that copies what is overwritten, from then on that it stands in the way of the writes. */
    static Map<String, Object> copyBeforeWrite(String name, String disk, Object target, @Nullable Bitmap bitmap) {
        Map<String, Object> options = new LinkedHashMap<>(Map.of(
                "driver",
                "copy-before-write",
                "node-name",
                name,
                "file",
                disk,
                "target",
                target,
                "on-cbw-error",
                "break-snapshot",
                "cbw-timeout",
                COPY_TIMEOUT_SECONDS));
        if (bitmap != null) {
            options.put("bitmap", bitmap.reference());
        }
        return options;
    }

    /** A bitmap of a node. */
    record Bitmap(String node, String name) {
        Map<String, Object> reference() {
            return Map.of("node", node, "name", name);
        }
    }

    /** Adds the point in time that such a filter keeps. */
    void addSnapshot(String name, String filter) throws QmpException {
        add(Map.of("driver", "snapshot-access", "node-name", name, "file", filter, "discard", "unmap"));
    }

    /** Starts QEMU's NBD server, which it has one of. */
    void serve(Path socket) throws QmpException {
        try {
            qmp.execute(
                    "nbd-server-start",
                    Map.of("addr", Map.of("type", "unix", "data", Map.of("path", socket.toString()))));
        } catch (QmpException e) {
            throw e.isLost() ? e : e.because("its NBD server is in use already, for instance by another backup");
        }
        undoLater("nbd-server-stop", Map.of());
    }

    /** Exports a node for reading and trimming; the export ends with the server, at once, whoever reads. */
    void export(String id, String node, String name, @Nullable Bitmap bitmap) throws QmpException {
        Map<String, Object> options =
                new LinkedHashMap<>(Map.of("type", "nbd", "id", id, "node-name", node, "name", name, "writable", true));
        if (bitmap != null) {
            options.put("bitmaps", List.of(bitmap.reference()));
        }
        qmp.execute("block-export-add", options);
        steps.push(new Step("block-export-del", () -> {
            qmp.execute("block-export-del", Map.of("id", id, "mode", "hard"));
            qmp.await("BLOCK_EXPORT_DELETED", data -> id.equals(data.get("id")));
        }));
    }

    /** Says that a backup job, and with it its filter, ends with the others. */
    void undoJob(String job) {
        steps.push(new Step("block-job-cancel", () -> cancel(qmp, job)));
    }

    /** Ends a job that has nothing to finish, and waits until it is gone. */
    static void cancel(Qmp qmp, String job) throws QmpException {
        qmp.execute("block-job-cancel", Map.of("device", job, "force", true));
        qmp.await("JOB_STATUS_CHANGE", data -> job.equals(data.get("id")) && "null".equals(data.get("status")));
    }

    /** Removes everything; what cannot be removed is logged, and the rest is still removed. */
    List<String> remove() {
        List<String> left = new ArrayList<>();
        while (!steps.isEmpty()) {
            Step step = steps.pop();
            try {
                step.undo().run();
            } catch (QmpException e) {
                LOG.warn("event=qemu-node-left command={} reason=\"{}\"", step.what(), e.getMessage());
                left.add(String.valueOf(e.getMessage()));
                if (e.isLost()) {
                    steps.clear();
                }
            }
        }
        return left;
    }
}
