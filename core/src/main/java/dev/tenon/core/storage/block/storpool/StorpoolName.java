package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.spi.ContentType;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name under which PVE knows an object of StorPool: the six forms of the guidelines, and that of a cloud-init disk,
 * which the plugin in Perl has beside them. A name and the tags of an object say the same; see {@link NamedByTags}.
 */
sealed interface StorpoolName {
    /** A number of a disk: no leading zero, at most nine digits. */
    String NUMBER = "0|[1-9][0-9]{0,8}";

    /** PVE's identifiers as StorPool takes them: no upper case, a letter first, a letter or digit last. */
    String IDENTIFIER = "[a-z][a-z0-9_.\\-]*[a-z0-9]";

    /** What may be in a comment: whatever the value of a tag may hold, but for the hyphen first, which no volume has. */
    String FREE_TEXT = "[A-Za-z0-9_.:][A-Za-z0-9_\\-.:]{0," + (Tag.LONGEST - 1) + "}";

    /** A CD image; a snapshot for StorPool. */
    record Iso(String comment, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return comment + "-sp-" + global + ".iso";
        }
    }

    /** An image that belongs to no guest; a snapshot for StorPool. */
    record FreeImage(String comment, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "img-" + comment + "-sp-" + global + ".raw";
        }
    }

    /** A snapshot of a disk. */
    record DiskSnapshot(Vmid guest, long disk, String snapshot, GlobalId of, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "snap-" + guest + "-disk-" + disk + "-" + snapshot + "-p-" + of + "-sp-" + global + ".raw";
        }
    }

    /** The memory of a guest at a snapshot; a volume for StorPool. */
    record State(Vmid guest, String snapshot, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "snap-" + guest + "-state-" + snapshot + "-sp-" + global + ".raw";
        }
    }

    /** The disk of a template; a snapshot for StorPool. */
    record TemplateDisk(Vmid guest, long disk, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "base-" + guest + "-disk-" + disk + "-sp-" + global + ".raw";
        }
    }

    /** The disk of a guest. */
    record Disk(Vmid guest, long disk, GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "vm-" + guest + "-disk-" + disk + "-sp-" + global + ".raw";
        }
    }

    /**
     * The cloud-init disk of a guest. PVE names it before it exists, so its name says no id.
     *
     * @param global null if the name does not say it; then it is the guest's newest one
     */
    record CloudInit(Vmid guest, @Nullable GlobalId global) implements StorpoolName {
        @Override
        public String text() {
            return "vm-" + guest + "-cloudinit" + (global == null ? "" : "-sp-" + global) + ".raw";
        }
    }

    String text();

    /** The object; null for a cloud-init disk whose name does not say it. */
    @Nullable
    GlobalId global();

    /** Whether the object is a snapshot for StorPool, and not a volume. */
    default boolean isSnapshot() {
        return switch (this) {
            case Iso _, FreeImage _, DiskSnapshot _, TemplateDisk _ -> true;
            case State _, Disk _, CloudInit _ -> false;
        };
    }

    /** Its guest, null if it belongs to none. */
    default @Nullable Vmid owner() {
        return switch (this) {
            case Iso _, FreeImage _ -> null;
            case DiskSnapshot snapshot -> snapshot.guest();
            case State state -> state.guest();
            case TemplateDisk template -> template.guest();
            case Disk disk -> disk.guest();
            case CloudInit cloudInit -> cloudInit.guest();
        };
    }

    /** The tags that the name tells. */
    default Map<Tag, String> tags() {
        Map<Tag, String> tags = new EnumMap<>(Tag.class);
        tags.put(Tag.TYPE, this instanceof Iso ? "iso" : "images");
        Vmid owner = owner();
        if (owner != null) {
            tags.put(Tag.GUEST, owner.toString());
        }
        switch (this) {
            case Iso iso -> tags.put(Tag.COMMENT, iso.comment());
            case FreeImage image -> tags.put(Tag.COMMENT, image.comment());
            case DiskSnapshot snapshot -> {
                tags.put(Tag.DISK, Long.toString(snapshot.disk()));
                tags.put(Tag.SNAPSHOT, snapshot.snapshot());
                tags.put(Tag.SNAPSHOT_OF, snapshot.of().value());
            }
            case State state -> {
                tags.put(Tag.DISK, NamedByTags.STATE);
                tags.put(Tag.SNAPSHOT, state.snapshot());
            }
            case TemplateDisk template -> {
                tags.put(Tag.DISK, Long.toString(template.disk()));
                tags.put(Tag.BASE, "1");
            }
            case Disk disk -> tags.put(Tag.DISK, Long.toString(disk.disk()));
            case CloudInit _ -> tags.put(Tag.DISK, NamedByTags.CLOUD_INIT);
        }
        return tags;
    }

    /**
     * What a name says.
     *
     * @throws StorageException {@code INVALID_NAME} if it is none of these
     */
    static StorpoolName parse(VolumeName volume) {
        return find(volume.value())
                .orElseThrow(() -> StorageException.refused(
                        StorageError.INVALID_NAME,
                        "unable to parse storpool volume name " + Quoted.of(volume.value())
                                + ": it is none of the names of the type, such as vm-100-disk-0-sp-a.b.c.raw"));
    }

    /** What a name says, empty if it is none of these. */
    static Optional<StorpoolName> find(String text) {
        return Grammar.find(text);
    }

    /** Whether this is the name of a snapshot that a name of this type can hold. */
    static boolean isIdentifier(String text) {
        return Grammar.SNAPSHOT_NAME.matcher(text).matches();
    }

    /** The patterns, tried in the order in which the plugin tries its own. */
    final class Grammar {
        private static final String GUEST = "(?<guest>[1-9][0-9]{2,8})";
        private static final String DISK = "(?<disk>" + NUMBER + ")";
        private static final String COMMENT = "(?<comment>" + FREE_TEXT + ")";
        private static final String SNAPSHOT = "(?<snapshot>" + IDENTIFIER + ")";
        private static final String GLOBAL = "-sp-(?<global>" + GlobalId.GRAMMAR + ")";

        private static final Pattern SNAPSHOT_NAME = Pattern.compile(IDENTIFIER);
        private static final Pattern ISO = Pattern.compile(COMMENT + GLOBAL + "\\.iso");
        private static final Pattern FREE_IMAGE = Pattern.compile("img-" + COMMENT + GLOBAL + "\\.raw");
        private static final Pattern DISK_SNAPSHOT = Pattern.compile("snap-" + GUEST + "-disk-" + DISK + "-" + SNAPSHOT
                + "-p-(?<of>" + GlobalId.GRAMMAR + ")" + GLOBAL + "\\.raw");
        private static final Pattern STATE =
                Pattern.compile("snap-" + GUEST + "-state-" + SNAPSHOT + GLOBAL + "\\.raw");
        private static final Pattern TEMPLATE_DISK =
                Pattern.compile("base-" + GUEST + "-disk-" + DISK + GLOBAL + "\\.raw");
        private static final Pattern GUEST_DISK = Pattern.compile("vm-" + GUEST + "-disk-" + DISK + GLOBAL + "\\.raw");
        private static final Pattern CLOUD_INIT_DISK =
                Pattern.compile("vm-" + GUEST + "-cloudinit(?:" + GLOBAL + ")?\\.raw");

        /** All of them, for those who do not ask Java. */
        static final List<NamePattern> ALL = List.of(
                new NamePattern(ISO, ContentType.ISO, false),
                new NamePattern(FREE_IMAGE, ContentType.IMAGES, false),
                new NamePattern(DISK_SNAPSHOT, ContentType.IMAGES, false),
                new NamePattern(STATE, ContentType.IMAGES, false),
                new NamePattern(TEMPLATE_DISK, ContentType.IMAGES, true),
                new NamePattern(GUEST_DISK, ContentType.IMAGES, false),
                new NamePattern(CLOUD_INIT_DISK, ContentType.IMAGES, false));

        private Grammar() {}

        private static Optional<StorpoolName> find(String text) {
            Matcher iso = ISO.matcher(text);
            if (iso.matches()) {
                return Optional.of(new Iso(iso.group("comment"), global(iso)));
            }
            Matcher image = FREE_IMAGE.matcher(text);
            if (image.matches()) {
                return Optional.of(new FreeImage(image.group("comment"), global(image)));
            }
            Matcher snapshot = DISK_SNAPSHOT.matcher(text);
            if (snapshot.matches()) {
                return Optional.of(new DiskSnapshot(
                        guest(snapshot),
                        disk(snapshot),
                        snapshot.group("snapshot"),
                        new GlobalId(snapshot.group("of")),
                        global(snapshot)));
            }
            Matcher state = STATE.matcher(text);
            if (state.matches()) {
                return Optional.of(new State(guest(state), state.group("snapshot"), global(state)));
            }
            Matcher template = TEMPLATE_DISK.matcher(text);
            if (template.matches()) {
                return Optional.of(new TemplateDisk(guest(template), disk(template), global(template)));
            }
            Matcher disk = GUEST_DISK.matcher(text);
            if (disk.matches()) {
                return Optional.of(new Disk(guest(disk), disk(disk), global(disk)));
            }
            Matcher cloudInit = CLOUD_INIT_DISK.matcher(text);
            return cloudInit.matches()
                    ? Optional.of(new CloudInit(
                            guest(cloudInit),
                            Optional.ofNullable(cloudInit.group("global"))
                                    .map(GlobalId::new)
                                    .orElse(null)))
                    : Optional.empty();
        }

        private static GlobalId global(Matcher matcher) {
            return new GlobalId(matcher.group("global"));
        }

        private static Vmid guest(Matcher matcher) {
            return new Vmid(Long.parseLong(matcher.group("guest")));
        }

        private static long disk(Matcher matcher) {
            return Long.parseLong(matcher.group("disk"));
        }
    }
}
