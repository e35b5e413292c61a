package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.core.config.ConfigStore;
import dev.tenon.core.config.Problem;
import dev.tenon.core.config.StorageConfigs;
import dev.tenon.core.lock.ExclusiveLock;
import dev.tenon.core.spi.PluginData;
import dev.tenon.core.spi.PropertyOption;
import dev.tenon.core.spi.PropertySchema;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.directory.DirectoryPlugin;
import dev.tenon.core.storage.mounted.dir.DirPlugin;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A {@code storage.cfg} means the same to Tenon and to PVE. */
class StorageConfigTest {
    private static final int FILES = 400;

    /** Values that keep or break the rules of some property. */
    private static final List<String> VALUES = List.of(
            "0",
            "1",
            "yes",
            "+007",
            "-1",
            "3.50",
            "1e3",
            "65536",
            "a",
            "a b",
            "a,b;c",
            "none",
            "images",
            "images,rootdir",
            "iso,import",
            "films",
            "raw",
            "qcow2",
            "vmdk",
            "tiff",
            "off",
            "metadata",
            "/srv/a",
            "/srv//a/./b/",
            "/a b",
            "/;a",
            "srv",
            "x:y",
            "iscsi:0.0.1.lun",
            "10.0.0.1",
            "256.0.0.1",
            "10.0.0.1:3260",
            "fe80::1",
            "[fe80::1]:22",
            "1:2:3:4:5:6:7",
            "::ffff:1.2.3.4",
            "1::2::3",
            "nas.example",
            "-nas",
            "a_b",
            "keep-last=3",
            "keep-all=1",
            "keep-all=1,keep-last=1",
            "keep-last=-1",
            "keep-last",
            "=",
            "default=5",
            "default=1.5,move=7",
            "speed=1",
            "images=a/b,iso=c",
            "images=../a",
            "images=a.",
            "iso=.a",
            "vers=4.2,soft",
            "16k",
            "3k",
            "0k",
            "16m",
            "17m",
            "2.0",
            "3.11",
            "default",
            "32",
            "33",
            "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF");

    /** A storage type that says of itself what PVE's class of that type says. */
    private static final class DescribedPlugin extends DirectoryPlugin {
        private final String type;
        private final Map<?, ?> description;

        DescribedPlugin(String type, Map<?, ?> description) {
            this.type = type;
            this.description = description;
        }

        @Override
        public String type() {
            return type;
        }

        @Override
        public boolean isShared() {
            return "1".equals(String.valueOf(description.get("shared")));
        }

        private static Set<String> words(@Nullable Object hash) {
            Set<String> words = new HashSet<>();
            if (hash instanceof Map<?, ?> map) {
                map.keySet().forEach(word -> words.add(String.valueOf(word)));
            }
            return words;
        }

        @Override
        public PluginData pluginData() {
            Map<?, ?> data = map(description.get("data"));
            List<?> content = list(data.get("content"));
            List<?> format = data.containsKey("format") ? list(data.get("format")) : List.of(Map.of(), "");
            return new PluginData(
                    words(content.get(0)),
                    words(content.get(1)),
                    words(format.get(0)),
                    format.get(1).equals("") ? null : String.valueOf(format.get(1)),
                    !data.containsKey("sensitive-properties") ? null : words(data.get("sensitive-properties")),
                    Set.of(),
                    false,
                    Map.of());
        }

        @Override
        public Map<String, PropertySchema> properties() {
            Map<String, PropertySchema> properties = new TreeMap<>();
            map(description.get("properties")).forEach((name, schema) -> {
                Map<String, Object> attributes = new LinkedHashMap<>();
                map(schema).forEach((keyword, value) -> attributes.put(String.valueOf(keyword), value));
                properties.put(String.valueOf(name), new PropertySchema(attributes));
            });
            return properties;
        }

        @Override
        public Map<String, PropertyOption> options() {
            Map<String, PropertyOption> options = new TreeMap<>();
            map(description.get("options")).forEach((name, flags) -> {
                Set<String> set = words(flags);
                options.put(String.valueOf(name), new PropertyOption(set.contains("optional"), set.contains("fixed")));
            });
            return options;
        }

        @Override
        public Map<String, Object> checkConfig(StorageId storage, Map<String, Object> properties, boolean isNew) {
            Map<String, Object> all = new LinkedHashMap<>(properties);
            if (isNew && Set.of("nfs", "cifs", "cephfs").contains(type)) {
                all.putIfAbsent("path", "/mnt/pve/" + storage);
            }
            return super.checkConfig(storage, all, isNew);
        }
    }

    private static final class Unlocked implements ExclusiveLock {
        @Override
        public <T extends @Nullable Object> T hold(@Nullable Duration timeout, Supplier<T> work) {
            return work.get();
        }
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static Map<?, ?> json(String line) {
        try {
            return JSON.std.mapFrom(line);
        } catch (IOException e) {
            throw new UncheckedIOException(line, e);
        }
    }

    private static PerlProgram perl(Scratch scratch) {
        return PerlProgram.start(
                scratch,
                List.of(),
                Installation.resource("perl/storage-cfg.pl"),
                Installation.legacyDirPlugin().toString());
    }

    /** The types that have options, and of which everything that they check is known here. */
    private static Map<String, StoragePlugin> types(PerlProgram perl) {
        Map<String, StoragePlugin> types = new TreeMap<>();
        json(perl.line()).forEach((type, description) -> {
            if (!map(map(description).get("options")).isEmpty() && !type.equals("btrfs")) {
                types.put(String.valueOf(type), new DescribedPlugin(String.valueOf(type), map(description)));
            }
        });
        types.put("dir", new DirPlugin());
        return types;
    }

    @Test
    void anyFileIsReadAsPveReadsIt(Scratch scratch) throws IOException {
        PerlProgram perl = perl(scratch);
        Map<String, StoragePlugin> types = types(perl);
        Path file = scratch.file("storage.cfg");
        ConfigStore store = new ConfigStore(file, types, new Unlocked());
        int storages = 0;
        int faults = 0;
        for (long seed = 0; seed < FILES; seed++) {
            Files.writeString(file, anyFile(new Random(seed), types));
            Map<?, ?> read = read(perl, file);
            StorageConfigs configs = store.current();
            isTheSame(configs, read, Files.readString(file));
            storages += configs.all().size() - 1;
            faults += configs.problems().size();
        }
        assertThat(storages).isGreaterThan(FILES);
        assertThat(faults).isGreaterThan(FILES);
    }

    @Test
    void whatIsWrittenIsReadByPveAsItIsRead(Scratch scratch) throws IOException {
        PerlProgram perl = perl(scratch);
        Map<String, StoragePlugin> types = types(perl);
        Path file = scratch.file("storage.cfg");
        ConfigStore store = new ConfigStore(file, types, new Unlocked());
        int done = 0;
        for (long seed = 0; seed < FILES; seed++) {
            Random random = new Random(seed);
            StorageId id = new StorageId("s" + random.nextInt(1, 9));
            List<String> names = usable(types);
            String type = names.get(random.nextInt(names.size()));
            try {
                switch (random.nextInt(5)) {
                    case 0, 1 -> store.add(id, type, given(random, types.get(type), 0.1), storage -> {});
                    case 2, 3 -> {
                        Storage storage = store.current().get(id);
                        StoragePlugin plugin = types.get(storage.config().type());
                        store.set(id, given(random, plugin, 0.05), Set.of(), null);
                    }
                    default -> store.remove(id);
                }
                done++;
            } catch (StorageException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
            isTheSame(store.current(), read(perl, file), Files.exists(file) ? Files.readString(file) : "");
            assertThat(store.current().problems()).isEmpty();
        }
        assertThat(done).isGreaterThan(FILES / 20);
    }

    @Test
    void theOrderAndTheFormOfWhatIsWrittenArePves(Scratch scratch) throws IOException {
        assumeTrue(Installation.pveLibrary() != null, "needs PVE's own libraries: set TENON_PVE_LIB");
        PerlProgram perl = perl(scratch);
        Map<String, StoragePlugin> types = types(perl);
        Path file = scratch.file("storage.cfg");
        ConfigStore store = new ConfigStore(file, types, new Unlocked());
        Map<String, String> nfs = Map.of(
                "server",
                "nas",
                "export",
                "/x",
                "disable",
                "1",
                "content",
                "iso",
                "nodes",
                "n",
                "options",
                "soft",
                "create-subdirs",
                "0",
                "prune-backups",
                "keep-all=1",
                "content-dirs",
                "images=i,iso=j");
        store.add(new StorageId("far"), "nfs", nfs, storage -> {});
        store.add(
                new StorageId("vg"), "lvm", Map.of("vgname", "vg", "content", "images", "shared", "1"), storage -> {});
        store.set(new StorageId("vg"), Map.of("saferemove", "1", "tagged_only", "0"), Set.of("shared"), null);
        store.add(new StorageId("pbs"), "pbs", Map.of("server", "b", "datastore", "d", "content", "backup"), s -> {});
        store.set(new StorageId("local"), Map.of("content", "iso"), Set.of(), null);
        assertThat(map(read(perl, file)).get("written")).isEqualTo(Files.readString(file));
    }

    /** Of the compat layer's types only that of the plugin says which properties it has. */
    private static List<String> usable(Map<String, StoragePlugin> types) {
        List<String> names = new ArrayList<>(types.keySet());
        if (Installation.pveLibrary() == null) {
            names.remove("dir");
        }
        return names;
    }

    private static Map<?, ?> read(PerlProgram perl, Path file) {
        perl.say(file.toString());
        return json(perl.line());
    }

    private static void isTheSame(StorageConfigs configs, Map<?, ?> perl, String text) {
        boolean isPve = Installation.pveLibrary() != null;
        Map<String, Object> ofPerl = new TreeMap<>();
        map(perl.get("ids")).forEach((id, section) -> {
            if (section != null && !"btrfs".equals(map(section).get("type"))) {
                ofPerl.put(String.valueOf(id), inSections(map(section)));
            }
        });
        Map<String, Object> ofJava = new TreeMap<>();
        for (Storage storage : configs.all()) {
            if (isPve || !storage.id().value().equals("local")) {
                Map<String, Object> section = new TreeMap<>(storage.config().properties());
                section.put("type", storage.config().type());
                ofJava.put(storage.id().value(), inSections(section));
            }
        }
        assertThat(ofJava).as(text).isEqualTo(ofPerl);

        Set<String> lines = new TreeSet<>();
        for (Problem problem : configs.problems()) {
            boolean isOfALine = problem.isError() && !problem.text().contains("' is left out: ");
            if (isOfALine || problem.text().contains("unexpected property")) {
                lines.add(String.valueOf(problem.line()));
            }
        }
        Set<String> faults = new TreeSet<>();
        list(perl.get("faults")).forEach(line -> faults.add(String.valueOf(line)));
        assertThat(lines).as(text).isEqualTo(faults);
        if (isPve) {
            assertThat(configs.digest()).as(text).isEqualTo(perl.get("digest"));
        }
    }

    /** Where only sections are read, nobody adds the default content. */
    private static Map<String, Object> inSections(Map<?, ?> section) {
        Map<String, Object> all = new TreeMap<>();
        section.forEach((name, value) -> all.put(String.valueOf(name), value));
        if (Installation.pveLibrary() == null) {
            all.remove("content");
        }
        return all;
    }

    private static String anyFile(Random random, Map<String, StoragePlugin> types) {
        boolean isPve = Installation.pveLibrary() != null;
        List<String> names = usable(types);
        StringBuilder text = new StringBuilder();
        int sections = random.nextInt(1, 7);
        for (int i = 0; i < sections; i++) {
            String type = names.get(random.nextInt(names.size()));
            if (isPve) {
                noise(random, text, "no header", " dir: aa", "0", "# dir: aa", "", "  ", "dir: x", "dir: x_");
                type = random.nextInt(9) == 0 ? type.toUpperCase(Locale.ROOT) : type;
            }
            String id = isPve && random.nextInt(12) == 0 ? "local" : "s" + (isPve ? random.nextInt(1, 9) : i);
            text.append(type)
                    .append(":")
                    .append(random.nextBoolean() ? " " : "  ")
                    .append(id)
                    .append('\n');
            StoragePlugin plugin = types.get(type.toLowerCase(Locale.ROOT));
            given(random, plugin, 0.4).forEach((name, value) -> {
                if (isPve) {
                    noise(random, text, "# told", "   ", "\t# too", "dir: bb", "\tpool", "\tshared", "0");
                }
                text.append(random.nextBoolean() ? "\t" : "    ").append(name);
                if (!isPve || !value.equals("1") || random.nextBoolean()) {
                    text.append(' ').append(value).append(random.nextInt(4) == 0 ? "  " : "");
                }
                text.append('\n');
            });
            if (!isPve || random.nextInt(12) > 0) {
                text.append('\n');
            }
        }
        return text.toString();
    }

    private static void noise(Random random, StringBuilder text, String... lines) {
        if (random.nextInt(14) == 0) {
            text.append(lines[random.nextInt(lines.length)]).append('\n');
        }
    }

    /** Values for what is required, mostly good ones, and for some of the rest. */
    private static Map<String, String> given(Random random, @Nullable StoragePlugin plugin, double share) {
        Map<String, String> given = new TreeMap<>();
        if (plugin != null) {
            plugin.options().forEach((name, option) -> {
                boolean isWanted = option.optional() ? random.nextDouble() < share : random.nextInt(12) > 0;
                if (isWanted) {
                    boolean isGood = !option.optional() && random.nextInt(8) > 0;
                    given.put(name, isGood ? good(name) : anyValue(random));
                }
            });
        }
        return given;
    }

    /** The compat layer takes a node called 0 for one, and directories for content that the type does not have. */
    private static String anyValue(Random random) {
        String value = VALUES.get(random.nextInt(VALUES.size()));
        boolean isTakenDifferently = value.equals("0") || value.startsWith("iso=") || value.contains(",iso=");
        return isTakenDifferently && Installation.pveLibrary() == null ? "1" : value;
    }

    private static String good(String name) {
        return switch (name) {
            case "path", "export" -> "/srv/a";
            case "blocksize" -> "4k";
            default -> "good";
        };
    }
}
