package dev.tenon.it.sidebyside;

import java.util.List;
import java.util.regex.Pattern;

/** When two refusals say the same. */
final class Refusals {
    /** What callers of PVE match, and what the example plugin says of commands that fail. */
    private static final List<String> FRAGMENTS = List.of(
            "unable to parse volume ID",
            "unable to parse directory volume name",
            "unable to parse volume filename",
            "is a snapshot filename, not a volume",
            "create_base not possible with base image",
            "clone_image only works on base images",
            "does not support clone_image on snapshot",
            "does not support clone_image on subvolumes",
            "can't resize this image format",
            "can't snapshot this image format",
            "wrong extension for format",
            "volume name does not match requested format",
            "still in use by linked clones",
            "storage does not support subvol quotas",
            "is not most recent snapshot",
            "wrong information about parent",
            "unable to create image",
            "already exists",
            "does not exist",
            "unable to rename base volume",
            "is no base image",
            "unable to shrink",
            "unable to resize image",
            "unable to take snapshot",
            "unable to roll back to snapshot",
            "unable to delete snapshot",
            "illegal name",
            "unsupported format",
            "unable to parse lvm volume name",
            "unable to parse rbd volume name",
            "is not a base image and snapname is not provided",
            "No such file or directory",
            "at least 1 child",
            "contains illegal characters",
            "did you mean",
            "can't clone images in lvm storage",
            "can't create base images in lvm storage",
            "can't snapshot 'raw' volume",
            "can't rollback snapshot for 'raw' volume",
            "can't delete snapshot for 'raw' volume",
            "snapshot is working with qcow2 format only",
            "unable to create base volume");

    /**
     * A refusal that PVE leaves to a command, or words otherwise.
     *
     * @param pve what PVE's text matches
     * @param tenon what is in Tenon's
     */
    private record Pair(Pattern pve, String tenon) {
        Pair(String pve, String tenon) {
            this(Pattern.compile(pve), tenon);
        }
    }

    private static final List<Pair> PAIRS = List.of(
            new Pair("^command '/usr/bin/qemu-img snapshot .*failed: exit code 1$", "does not exist"),
            new Pair("^command '/usr/bin/qemu-img snapshot .*failed: exit code 1$", "unable to take snapshot"),
            new Pair("^command '/usr/bin/qemu-img snapshot .*failed: exit code 1$", "unable to roll back to snapshot"),
            new Pair("^command '/usr/bin/qemu-img snapshot .*failed: exit code 1$", "unable to delete snapshot"),
            new Pair("^command '/usr/bin/qemu-img resize .*failed: exit code 1$", "does not exist"),
            new Pair("^command '/usr/bin/qemu-img resize .*failed: exit code 1$", "unable to shrink"),
            new Pair("^command '/usr/bin/qemu-img resize .*failed: exit code 1$", "unable to resize image"),
            new Pair("^unable to create image: .*No such file", "does not exist"),
            new Pair("^file_size_info on .* failed$", "does not exist"),
            new Pair("^rename .* failed - Operation not permitted$", "Operation not permitted"),
            new Pair("^rename .* failed - No such file or directory$", "does not exist"),
            new Pair("^volume  is missing at ", "does not exist"),
            new Pair("^qemu-img: Could not open .*: No such file or directory$", "does not exist"),
            new Pair("^qemu-img: Could not open .*: No such file or directory$", "can't snapshot this image format"),
            new Pair("Failed to find logical volume", "no such logical volume"),
            new Pair("ogical volume .* not found in volume group", "no such logical volume"),
            new Pair("not larger than existing size", "unable to shrink"),
            new Pair("^volume  is missing at ", "no such logical volume"),
            new Pair("^volume does not exist$", "no such logical volume"),
            new Pair("^failed to query file information with qemu-img$", "no such logical volume"),
            new Pair("rbd: create error: \\(17\\) File exists", "already exists"),
            new Pair("rbd: failed to create snapshot: \\(17\\) File exists", "already exists"),
            new Pair("rbd: rename error: \\(2\\)", "no such image"),
            new Pair("^command '/usr/bin/rbd .*failed: exit code 2$", "No such file or directory"),
            new Pair("\\(2\\) No such file or directory", "does not exist on image"),
            new Pair("\\(2\\) No such file or directory", "no such image"),
            new Pair("^command '/usr/bin/rbd .*failed: exit code 2$", "does not exist on image"),
            new Pair("unprotecting snap failed: \\(16\\)", "at least 1 child"),
            // Of what zfs snapshot says of a missing volume PVE shows the last line, which is about its usage.
            new Pair("For the delegated permission list, run: zfs allow", "dataset does not exist"),
            new Pair("could not find any snapshots to destroy", "dataset does not exist"),
            new Pair("shrinking an image is only allowed", "unable to shrink"),
            new Pair("^we can't rename volume if a snapshot", "it is based on its snapshot"),
            new Pair("^failed to query file information with qemu-img$", "does not exist"),
            new Pair("^can't rollback snapshot this image format$", "can't snapshot this image format"),
            new Pair("^can't delete snapshot for this image format$", "can't snapshot this image format"),
            new Pair("^can't rollback, snapshot .* does not exist on", "can't snapshot this image format"),
            new Pair("^can't (rollback|delete|resize|snapshot) .*this image format$", "unable to parse"));

    private Refusals() {}

    static boolean agree(String pve, String tenon) {
        return pve.equals(tenon)
                || FRAGMENTS.stream().anyMatch(fragment -> pve.contains(fragment) && tenon.contains(fragment))
                || PAIRS.stream().anyMatch(pair -> pair.pve().matcher(pve).find() && tenon.contains(pair.tenon()));
    }
}
