package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The name that the tags of an object give it, by the rules that the plugin in Perl names it by. */
final class NamedByTags {
    static final String STATE = "state";
    static final String CLOUD_INIT = "cloudinit";

    /** What an object without a comment is called. */
    static final String UNLABELED = "unlabeled";

    private static final Set<String> IMAGE_TYPES = Set.of("images", "rootdir");
    private static final String ISO = "iso";
    private static final int MOST_DIGITS = 9;
    private static final long FIRST_GUEST = 100;
    private static final Pattern COMMENT = Pattern.compile(StorpoolName.FREE_TEXT);

    private NamedByTags() {}

    /**
     * The name.
     *
     * @throws StorageException {@code BAD_RESULT} with the rule that the object breaks
     */
    static StorpoolName of(ApiObject object) {
        GlobalId global = global(object);
        String type = object.tag(Tag.TYPE);
        if (ISO.equals(type)) {
            refuse(object, "an ISO image", Tag.GUEST, Tag.BASE, Tag.SNAPSHOT, Tag.SNAPSHOT_OF);
            requireSnapshot(object, "an ISO image");
            return new StorpoolName.Iso(comment(object), global);
        }
        if (type == null || !IMAGE_TYPES.contains(type)) {
            throw broken(object, "its tag 'pve-type' is none of images, rootdir and iso");
        }
        if (object.tag(Tag.GUEST) == null) {
            refuse(object, "an image of no guest", Tag.BASE, Tag.SNAPSHOT, Tag.SNAPSHOT_OF);
            requireSnapshot(object, "an image of no guest");
            return new StorpoolName.FreeImage(comment(object), global);
        }
        return ofGuest(object, global);
    }

    private static StorpoolName ofGuest(ApiObject object, GlobalId global) {
        Vmid guest = guest(object);
        String snapshot = object.tag(Tag.SNAPSHOT);
        if (isTrue(object.tag(Tag.BASE))) {
            refuse(object, "the disk of a template", Tag.SNAPSHOT, Tag.SNAPSHOT_OF);
            requireSnapshot(object, "the disk of a template");
            return new StorpoolName.TemplateDisk(guest, disk(object), global);
        }
        if (snapshot != null) {
            if (!StorpoolName.isIdentifier(snapshot)) {
                throw broken(object, "a name cannot hold its snapshot " + Quoted.of(snapshot));
            }
            if (object.has(Tag.DISK, STATE)) {
                refuse(object, "the state of a guest", Tag.SNAPSHOT_OF);
                requireVolume(object, "the state of a guest");
                return new StorpoolName.State(guest, snapshot, global);
            }
            requireSnapshot(object, "the snapshot of a disk");
            String of = object.tag(Tag.SNAPSHOT_OF);
            GlobalId parent = of == null
                    ? null
                    : GlobalId.of(of).orElseThrow(() -> broken(object, "its tag 'pve-snap-v' is no global id"));
            if (parent == null) {
                throw broken(object, "it is the snapshot of a disk and has no tag 'pve-snap-v'");
            }
            return new StorpoolName.DiskSnapshot(guest, disk(object), snapshot, parent, global);
        }
        requireVolume(object, "the disk of a guest");
        return object.has(Tag.DISK, CLOUD_INIT)
                ? new StorpoolName.CloudInit(guest, null)
                : new StorpoolName.Disk(guest, disk(object), global);
    }

    /** A volume that has been given a name by hand cannot be told from its id. */
    private static GlobalId global(ApiObject object) {
        String text = object.isSnapshot() ? object.globalId() : object.name();
        if (!object.isSnapshot()) {
            if (!text.startsWith("~")) {
                throw broken(object, "only unnamed StorPool volumes are supported");
            }
            text = text.substring(1);
        }
        return GlobalId.of(text).orElseThrow(() -> broken(object, "it has no global id"));
    }

    private static Vmid guest(ApiObject object) {
        String guest = Objects.requireNonNull(object.tag(Tag.GUEST), "guest");
        long number = number(guest);
        if (number < FIRST_GUEST) {
            throw broken(object, "its tag 'pve-vm' is " + Quoted.of(guest) + " and no guest from 100 on");
        }
        return new Vmid(number);
    }

    private static long disk(ApiObject object) {
        String disk = object.tag(Tag.DISK);
        if (disk == null) {
            throw broken(object, "it has no tag 'pve-disk'");
        }
        long number = number(disk);
        if (number < 0) {
            throw broken(object, "its tag 'pve-disk' is " + Quoted.of(disk) + " and no number of a disk");
        }
        return number;
    }

    /** A number as {@link StorpoolName#NUMBER} has it, -1 for any other text. */
    private static long number(String text) {
        boolean hasLeadingZero = text.length() > 1 && text.charAt(0) == '0';
        if (text.isEmpty() || text.length() > MOST_DIGITS || hasLeadingZero) {
            return -1;
        }
        long number = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = 10 * number + digit;
        }
        return number;
    }

    private static String comment(ApiObject object) {
        String comment = Objects.requireNonNullElse(object.tag(Tag.COMMENT), UNLABELED);
        if (!COMMENT.matcher(comment).matches()) {
            throw broken(object, "a name cannot hold its comment " + Quoted.of(comment));
        }
        return comment;
    }

    /** What is true in Perl. */
    static boolean isTrue(@Nullable String value) {
        return value != null && !value.equals("0");
    }

    private static void refuse(ApiObject object, String what, Tag... tags) {
        for (Tag tag : List.of(tags)) {
            if (object.tag(tag) != null) {
                throw broken(object, "it is " + what + " and must not have the tag '" + tag.word() + "'");
            }
        }
    }

    private static void requireSnapshot(ApiObject object, String what) {
        if (!object.isSnapshot()) {
            throw broken(object, "it is " + what + " and must be a snapshot of StorPool");
        }
    }

    private static void requireVolume(ApiObject object, String what) {
        if (object.isSnapshot()) {
            throw broken(object, "it is " + what + " and must be a volume of StorPool");
        }
    }

    private static StorageException broken(ApiObject object, String why) {
        return new StorageException(
                StorageError.BAD_RESULT,
                Outcome.NOT_STARTED,
                "StorPool's " + (object.isSnapshot() ? "snapshot " : "volume ") + Quoted.of(object.name())
                        + " is no volume that PVE could name: " + why);
    }
}
