package dev.tenon.core.backup.host;

import dev.tenon.core.backup.host.SnapshotNodes.Bitmap;
import dev.tenon.core.qemu.Qmp;
import dev.tenon.core.qemu.QmpException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a backup leaves in a QEMU that runs when its process is killed, and the end of a backup's bitmaps. */
public final class Leftovers {
    private static final Logger LOG = LoggerFactory.getLogger(Leftovers.class);

    private Leftovers() {}

    /**
     * Removes what backups whose processes have ended left in a QEMU: the guest's disks are written to directly again, and
     * no bitmap has lost anything.
     *
     * @return what was taken away, by QEMU's names
     * @throws QmpException if something cannot be taken away
     */
    public static List<String> remove(Qmp qmp) throws QmpException {
        List<String> removed = new ArrayList<>();
        removeExports(qmp, removed);
        for (String part : List.of("sa", "cbw", "fl", "wb")) {
            for (Map<?, ?> node : qmp.list("query-named-block-nodes")) {
                String name = String.valueOf(node.get("node-name"));
                if (isLeft(name) && LiveNames.part(name).filter(part::equals).isPresent()) {
                    if (part.equals("cbw")) {
                        takeOut(qmp, name);
                    }
                    removeNode(qmp, name, removed);
                }
            }
        }
        for (Map<?, ?> node : qmp.list("query-named-block-nodes")) {
            for (Map<?, ?> bitmap : Qmp.objects(node.get("dirty-bitmaps"))) {
                Optional<String> beside = LiveNames.beside(String.valueOf(bitmap.get("name")));
                // A backup that runs has the bitmap busy, because it exports it.
                if (beside.isPresent() && !isBusy(node, beside.get())) {
                    join(qmp, new Bitmap(String.valueOf(node.get("node-name")), beside.get()), false);
                    removed.add(String.valueOf(bitmap.get("name")));
                }
            }
        }
        if (!removed.isEmpty()) {
            LOG.warn("event=backup-leftovers-removed names={}", removed);
        }
        return removed;
    }

    /** Removes the fleecing images of backups whose processes have ended. */
    static void removeImages(Path fleecing) throws IOException {
        if (!Files.isDirectory(fleecing)) {
            return;
        }
        try (DirectoryStream<Path> images = Files.newDirectoryStream(fleecing, "tenon-*" + LiveNames.IMAGE)) {
            for (Path image : images) {
                String name = image.getFileName().toString();
                if (isLeft(name.substring(0, name.length() - LiveNames.IMAGE.length()))) {
                    Files.deleteIfExists(image);
                    LOG.warn("event=fleecing-image-removed file={}", image);
                }
            }
        }
    }

    private static boolean isLeft(String name) {
        return LiveNames.of(name).filter(LiveNames::isDead).isPresent();
    }

    private static boolean isBusy(Map<?, ?> node, String bitmap) {
        return Qmp.objects(node.get("dirty-bitmaps")).stream()
                .anyMatch(each -> bitmap.equals(each.get("name")) && Boolean.TRUE.equals(each.get("busy")));
    }

    /** The server is QEMU's only one; it ends if no export is another's. */
    private static void removeExports(Qmp qmp, List<String> removed) throws QmpException {
        List<String> exports = qmp.list("query-block-exports").stream()
                .filter(export -> "nbd".equals(export.get("type")))
                .map(export -> String.valueOf(export.get("id")))
                .toList();
        List<String> left = exports.stream().filter(Leftovers::isLeft).toList();
        for (String export : left) {
            qmp.execute("block-export-del", Map.of("id", export, "mode", "hard"));
            qmp.await("BLOCK_EXPORT_DELETED", data -> export.equals(data.get("id")));
            removed.add(export);
        }
        if (!left.isEmpty() && left.size() == exports.size()) {
            qmp.execute("nbd-server-stop");
        }
    }

    /** A filter of a device goes out of the way of the disk below it. */
    private static void takeOut(Qmp qmp, String filter) throws QmpException {
        String device = LiveDisks.devices(qmp).get(filter);
        if (device == null) {
            return;
        }
        for (Map<?, ?> each : qmp.list("query-block")) {
            if (device.equals(each.get("qdev")) && each.get("inserted") instanceof Map<?, ?> inserted) {
                qmp.execute(
                        "qom-set", Map.of("path", device, "property", "drive", "value", below(qmp, filter, inserted)));
            }
        }
    }

    private static String below(Qmp qmp, String filter, Map<?, ?> inserted) throws QmpException {
        if (qmp.execute("x-debug-query-block-graph") instanceof Map<?, ?> graph) {
            Object id = Qmp.objects(graph.get("nodes")).stream()
                    .filter(node -> filter.equals(node.get("name")))
                    .map(node -> (Object) node.get("id"))
                    .findFirst()
                    .orElse(-1);
            Object child = Qmp.objects(graph.get("edges")).stream()
                    .filter(edge -> id.equals(edge.get("parent")) && "file".equals(edge.get("name")))
                    .map(edge -> (Object) edge.get("child"))
                    .findFirst()
                    .orElse(-1);
            for (Map<?, ?> node : Qmp.objects(graph.get("nodes"))) {
                if (child.equals(node.get("id"))) {
                    return String.valueOf(node.get("name"));
                }
            }
        }
        throw new IllegalStateException("QEMU does not tell what is below " + inserted.get("node-name"));
    }

    private static void removeNode(Qmp qmp, String name, List<String> removed) throws QmpException {
        LiveNames names = LiveNames.of(name).orElseThrow();
        boolean isOfJob = name.equals(names.filter())
                && qmp.list("query-block-jobs").stream()
                        .anyMatch(job -> names.job().equals(job.get("device")));
        if (isOfJob) {
            SnapshotNodes.cancel(qmp, names.job());
        } else {
            qmp.execute("blockdev-del", Map.of("node-name", name));
        }
        removed.add(name);
    }

    /**
     * Joins the two bitmaps that a disk has during a backup.
     *
     * @param bitmap the one that the backup was of, which is recording again afterwards
     * @param isCommitted whether what it told is in the backup, so that only what was written meanwhile counts
     */
    static void join(Qmp qmp, Bitmap bitmap, boolean isCommitted) throws QmpException {
        Bitmap meanwhile = new Bitmap(bitmap.node(), LiveNames.meanwhile(bitmap.name()));
        List<Map<String, Object>> actions = new ArrayList<>();
        if (isCommitted) {
            actions.add(Map.of("type", "block-dirty-bitmap-clear", "data", bitmap.reference()));
        }
        actions.add(Map.of(
                "type",
                "block-dirty-bitmap-merge",
                "data",
                Map.of("node", bitmap.node(), "target", bitmap.name(), "bitmaps", List.of(meanwhile.name()))));
        actions.add(Map.of("type", "block-dirty-bitmap-enable", "data", bitmap.reference()));
        actions.add(Map.of("type", "block-dirty-bitmap-remove", "data", meanwhile.reference()));
        qmp.execute("transaction", Map.of("actions", actions));
    }
}
