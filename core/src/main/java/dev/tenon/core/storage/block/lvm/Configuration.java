package dev.tenon.core.storage.block.lvm;

import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.storage.common.DeclaredDevicePlugin.Declaration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The properties of both types, which are those of PVE's. */
final class Configuration {
    static final String GROUP = "vgname";
    static final String POOL = "thinpool";
    static final String BASE = "base";
    static final String CHAINS = "snapshot-as-volume-chain";
    private static final String STEP = "saferemove-stepsize";
    private static final String THROUGHPUT = "saferemove_throughput";
    private static final String WIPES = "saferemove";
    private static final String TAGGED_ONLY = "tagged_only";

    private static final List<String> STEPS = List.of("1", "2", "4", "8", "16", "32");
    private static final int USUAL_STEP = 32;
    private static final int MIB = 1 << 20;
    private static final long USUAL_THROUGHPUT = 10L << 20;

    private static final Pattern NAME = Pattern.compile("(?i)[a-z0-9][a-z0-9\\-_.]*[a-z0-9]");
    private static final Pattern VOLUME_ID = Pattern.compile("(?i)[a-z][a-z0-9\\-_.]*[a-z0-9]:.+");
    private static final Pattern RATE = Pattern.compile("-?(\\d{1,15})([kmgKMG]?)");

    /** The type {@code lvm}. */
    static final Declaration THICK = new Declaration(
            "lvm",
            new PluginData(
                    Set.of("images", "rootdir"),
                    Set.of("images"),
                    Set.of("raw", "qcow2"),
                    "raw",
                    Set.of(),
                    Set.of(),
                    false,
                    Map.of()),
            thickProperties(),
            thickOptions());

    /** The type {@code lvmthin}. */
    static final Declaration THIN = new Declaration(
            "lvmthin",
            new PluginData(
                    Set.of("images", "rootdir"),
                    Set.of("images", "rootdir"),
                    Set.of(),
                    null,
                    Set.of(),
                    Set.of(),
                    false,
                    Map.of()),
            Map.of(POOL, text("The thin pool, a volume of the group.", "pve-storage-vgname")),
            thinOptions());

    private Configuration() {}

    private static Map<String, PropertySchema> thickProperties() {
        Map<String, PropertySchema> properties = new LinkedHashMap<>();
        properties.put(GROUP, text("The volume group.", "pve-storage-vgname"));
        properties.put(
                BASE,
                text("The volume that the volume group is on. It is activated with the storage.", "pve-volume-id"));
        properties.put(WIPES, flag("Overwrite the data of removed volumes with zeroes."));
        properties.put(
                STEP,
                new PropertySchema(Map.of(
                        "type",
                        "integer",
                        "description",
                        "How many MiB are overwritten at a time, or as many as the disk takes if that is less.",
                        "enum",
                        STEPS,
                        "default",
                        USUAL_STEP)));
        properties.put(
                THROUGHPUT,
                new PropertySchema(Map.of(
                        "type",
                        "string",
                        "description",
                        "How many bytes of removed volumes are overwritten in a second.")));
        properties.put(TAGGED_ONLY, flag("List only volumes with a tag that says which guest they are of."));
        return properties;
    }

    private static PropertySchema text(String description, String format) {
        return new PropertySchema(Map.of("type", "string", "description", description, "format", format));
    }

    private static PropertySchema flag(String description) {
        return new PropertySchema(Map.of("type", "boolean", "description", description));
    }

    private static Map<String, PropertyOption> thickOptions() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put(GROUP, new PropertyOption(false, true));
        options.put(BASE, new PropertyOption(true, true));
        for (String name : List.of(
                "nodes", "shared", "disable", WIPES, STEP, THROUGHPUT, "content", TAGGED_ONLY, "bwlimit", CHAINS)) {
            options.put(name, new PropertyOption(true, false));
        }
        return options;
    }

    private static Map<String, PropertyOption> thinOptions() {
        Map<String, PropertyOption> options = new LinkedHashMap<>();
        options.put(POOL, new PropertyOption(false, true));
        options.put(GROUP, new PropertyOption(false, true));
        for (String name : List.of("nodes", "disable", "content", "bwlimit")) {
            options.put(name, new PropertyOption(true, false));
        }
        return options;
    }

    /**
     * Refuses values that LVM's commands would refuse.
     *
     * @throws StorageException {@code BAD_CONFIG}
     */
    static void check(StorageId storage, Map<String, Object> properties) {
        properties.forEach((name, value) -> {
            String text = value instanceof String string ? string : String.valueOf(value);
            boolean isGood = switch (name) {
                case GROUP, POOL ->
                    value instanceof String && NAME.matcher(text).matches();
                case BASE -> value instanceof String && VOLUME_ID.matcher(text).matches();
                case STEP -> STEPS.contains(text);
                case THROUGHPUT -> RATE.matcher(text).matches();
                default -> true;
            };
            if (!isGood) {
                throw bad(storage, "property '" + name + "' cannot be " + Quoted.of(text));
            }
        });
    }

    private static StorageException bad(StorageId storage, String why) {
        return StorageException.refused(StorageError.BAD_CONFIG, "storage '" + storage + "': " + why);
    }

    /** The volume group of a storage; {@code BAD_CONFIG} if it has none. */
    static String group(Storage storage) {
        return name(storage, GROUP);
    }

    /** The thin pool of a storage; {@code BAD_CONFIG} if it has none. */
    static String pool(Storage storage) {
        return name(storage, POOL);
    }

    private static String name(Storage storage, String property) {
        return storage.config()
                .text(property)
                .filter(name -> NAME.matcher(name).matches())
                .orElseThrow(() -> bad(
                        storage.id(),
                        "property '" + property + "' is "
                                + storage.config()
                                        .text(property)
                                        .map(Quoted::of)
                                        .orElse("missing")
                                + " and must be a name of LVM"));
    }

    static boolean isShared(Storage storage) {
        return storage.config().flag("shared", false);
    }

    /** Whether snapshots are volumes of their own, which are qcow2 images and based on each other. */
    static boolean hasChains(Storage storage) {
        return storage.config().flag(CHAINS, false);
    }

    static boolean isTaggedOnly(Storage storage) {
        return storage.config().flag(TAGGED_ONLY, false);
    }

    static boolean wipes(Storage storage) {
        return storage.config().flag(WIPES, false);
    }

    /** How many bytes are overwritten at a time. */
    static long wipeStep(Storage storage) {
        return storage.config()
                .text(STEP)
                .filter(STEPS::contains)
                .map(text -> Long.parseLong(text) * MIB)
                .orElse((long) USUAL_STEP * MIB);
    }

    /** How many bytes are overwritten in a second where the disk does not do it by itself. */
    static long wipeRate(Storage storage) {
        return storage.config()
                .text(THROUGHPUT)
                .map(RATE::matcher)
                .filter(Matcher::matches)
                .map(matcher -> Long.parseLong(matcher.group(1)) * unit(matcher.group(2)))
                .filter(rate -> rate > 0)
                .orElse(USUAL_THROUGHPUT);
    }

    private static long unit(String letter) {
        return switch (letter) {
            case "k", "K" -> 1L << 10;
            case "m", "M" -> 1L << 20;
            case "g", "G" -> 1L << 30;
            default -> 1L;
        };
    }
}
