package dev.tenon.core.storage.block.storpool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names and tags say the same, by the development guidelines of StorPool's plugin. */
class StorpoolNameTest {
    private static final int GENERATED = 100_000;

    @ParameterizedTest
    @CsvSource({
        "vm-100-disk-0-sp-b.c.4fx.raw,                     false, pve-type=images pve-vm=100 pve-disk=0",
        "base-100-disk-12-sp-b.c.4fx.raw,                  true,  pve-type=images pve-vm=100 pve-disk=12 pve-base=1",
        "snap-100-disk-0-before-p-b.c.4fx-sp-b.c.50a.raw,  true,"
                + " pve-type=images pve-vm=100 pve-disk=0 pve-snap=before pve-snap-v=b.c.4fx",
        "snap-100-disk-0-a-p-b.c.1-p-b.c.2-sp-b.c.3.raw,   true,"
                + " pve-type=images pve-vm=100 pve-disk=0 pve-snap=a-p-b.c.1 pve-snap-v=b.c.2",
        "snap-100-state-before-sp-b.c.51.raw,              false, pve-type=images pve-vm=100 pve-disk=state pve-snap=before",
        "img-debian12-sp-b.c.9.raw,                        true,  pve-type=images pve-comment=debian12",
        "debian-12-netinst-sp-b.c.9.iso,                   true,  pve-type=iso pve-comment=debian-12-netinst",
        "a-sp-x.y.z-sp-b.c.9.iso,                          true,  pve-type=iso pve-comment=a-sp-x.y.z",
        "snap-100-disk-0-b4-p-a.b.c-sp-a.b.d.iso,          true,  pve-type=iso pve-comment=snap-100-disk-0-b4-p-a.b.c",
        "vm-100-cloudinit-sp-b.c.4fx.raw,                  false, pve-type=images pve-vm=100 pve-disk=cloudinit",
        "vm-999999999-disk-999999999-sp-0.0.0.raw,         false, pve-type=images pve-vm=999999999 pve-disk=999999999",
        "Ubuntu_24.04-sp-b.c.9.iso,                        true,  pve-type=iso pve-comment=Ubuntu_24.04"
    })
    void aNameSaysItsTagsAndTheyItsName(String name, boolean isSnapshot, String tags) {
        StorpoolName parsed = StorpoolName.parse(new VolumeName(name));
        assertThat(parsed.text()).isEqualTo(name);
        assertThat(parsed.isSnapshot()).isEqualTo(isSnapshot);
        Map<String, String> told = new TreeMap<>();
        parsed.tags().forEach((tag, value) -> told.put(tag.word(), value));
        Map<String, String> expected = new TreeMap<>();
        for (String tag : tags.split(" ", -1)) {
            expected.put(tag.substring(0, tag.indexOf('=')), tag.substring(tag.indexOf('=') + 1));
        }
        assertThat(told).isEqualTo(expected);
        if (!name.contains("cloudinit")) {
            assertThat(NamedByTags.of(object(parsed)).text()).isEqualTo(name);
        }
    }

    @Test
    void theNameThatACloudInitDiskIsGivenBeforeItExistsHasNoId() {
        StorpoolName parsed = StorpoolName.parse(new VolumeName("vm-100-cloudinit.raw"));
        assertThat(parsed).isEqualTo(new StorpoolName.CloudInit(new Vmid(100), null));
        assertThat(parsed.global()).isNull();
        StorpoolName whole = StorpoolName.parse(new VolumeName("vm-100-cloudinit-sp-a.b.c.raw"));
        assertThat(NamedByTags.of(object(whole))).isEqualTo(parsed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vm-099-disk-0-sp-a.b.c.raw",
                "vm-99-disk-0-sp-a.b.c.raw",
                "vm-0-disk-0-sp-a.b.c.raw",
                "vm-1000000000-disk-0-sp-a.b.c.raw",
                "vm-100-disk-00-sp-a.b.c.raw",
                "vm-100-disk-1000000000-sp-a.b.c.raw",
                "vm-100-disk--sp-a.b.c.raw",
                "vm-100-disk-0-sp-a.b.raw",
                "vm-100-disk-0-sp-a.b.c.d.raw",
                "vm-100-disk-0-sp-A.b.c.raw",
                "vm-100-disk-0-sp-a..c.raw",
                "vm-100-disk-0-sp-~a.b.c.raw",
                "vm-100-disk-0-sp-a.b.c.qcow2",
                "vm-100-disk-0.raw",
                "VM-100-disk-0-sp-a.b.c.raw",
                "100/vm-100-disk-0-sp-a.b.c.raw",
                "base-100-disk-0-sp-a.b.c.raw/vm-101-disk-0-sp-a.b.d.raw",
                "snap-100-disk-0-Upper-p-a.b.c-sp-a.b.d.raw",
                "snap-100-disk-0-a-p-a.b.c-sp-a.b.d.raw",
                "snap-100-disk-0-snap_-p-a.b.c-sp-a.b.d.raw",
                "snap-100-disk-0-snap--p-a.b.c-sp-a.b.d.raw",
                "snap-100-disk-0-before-sp-a.b.d.raw",
                "snap-100-state-Before-sp-a.b.d.raw",
                "snap-100-state-b-sp-a.b.d.raw",
                "vm-100-state-before",
                "X.raw.iso",
                "img--sp-a.b.c.raw",
                "img-a b-sp-a.b.c.raw",
                "img-ü-sp-a.b.c.raw",
                "a/b-sp-a.b.c.iso",
                "vm-100-cloudinit",
                "vm-100-cloudinit-sp-.raw",
                "no volume at all"
            })
    void whatIsNoNameOfTheTypeSaysNothing(String name) {
        assertThat(StorpoolName.find(name)).isEmpty();
        StorageException refused =
                catchThrowableOfType(StorageException.class, () -> StorpoolName.parse(new VolumeName(name)));
        assertThat(refused.error()).isEqualTo(StorageError.INVALID_NAME);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_STARTED);
        assertThat(refused.getMessage()).contains(name).doesNotContain("\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"vm-100-disk-0-sp-a.b.c.raw\n", "-sp-a.b.c.iso", "-a-sp-a.b.c.iso", "a\n-sp-a.b.c.iso", ""})
    void whatNoVolumeMayBeCalledSaysNothing(String name) {
        assertThat(StorpoolName.find(name)).isEmpty();
    }

    @Test
    void everyNameIsTheNameOfItsTagsAndOfNothingElse() {
        Random random = new Random(19);
        Map<String, StorpoolName> seen = new HashMap<>();
        for (int i = 0; i < GENERATED; i++) {
            StorpoolName name = generated(random);
            assertThat(StorpoolName.find(name.text())).as(name.text()).contains(name);
            name.tags().values().forEach(value -> assertThat(Tag.isValue(value)).isTrue());
            StorpoolName byTags = NamedByTags.of(object(name));
            assertThat(byTags)
                    .isEqualTo(
                            name instanceof StorpoolName.CloudInit cloudInit
                                    ? new StorpoolName.CloudInit(cloudInit.guest(), null)
                                    : name);
            StorpoolName other = seen.put(name.text(), name);
            assertThat(other == null || other.equals(name)).as(name.text()).isTrue();
        }
        assertThat(seen.values().stream().map(Object::getClass).distinct()).hasSize(7);
    }

    /** Whatever the tags are: either there is no name, or it says what the tags say. */
    @Test
    void tagsAtRandomHaveNoNameOrOneThatSaysThem() {
        Random random = new Random(1919);
        int named = 0;
        for (int i = 0; i < GENERATED; i++) {
            ApiObject object = atRandom(random);
            StorpoolName name;
            try {
                name = NamedByTags.of(object);
            } catch (StorageException e) {
                assertThat(e.error()).isEqualTo(StorageError.BAD_RESULT);
                assertThat(e.getMessage()).doesNotContain("\n");
                continue;
            }
            named++;
            assertThat(StorpoolName.find(name.text()))
                    .as("%s of %s", name, object)
                    .contains(name);
            assertThat(name.isSnapshot()).isEqualTo(object.isSnapshot());
            name.tags().forEach((tag, value) -> {
                boolean isDefault = tag == Tag.COMMENT && value.equals(NamedByTags.UNLABELED);
                boolean isType = tag == Tag.TYPE && object.has(Tag.TYPE, "rootdir");
                boolean isTrue = tag == Tag.BASE && NamedByTags.isTrue(object.tag(Tag.BASE));
                assertThat(isDefault || isType || isTrue || object.has(tag, value))
                        .as("%s of %s", tag, object)
                        .isTrue();
            });
        }
        assertThat(named).isBetween(GENERATED / 50, GENERATED);
    }

    static ApiObject object(StorpoolName name) {
        Map<String, String> tags = new HashMap<>();
        name.tags().forEach((tag, value) -> tags.put(tag.word(), value));
        GlobalId global = name.global();
        String id = global == null ? "a.b.c" : global.value();
        return new ApiObject("~" + id, id, name.isSnapshot(), 1 << 20, null, 0, tags);
    }

    private static ApiObject atRandom(Random random) {
        Map<String, String> tags = new HashMap<>();
        put(random, tags, Tag.TYPE, "images", "images", "images", "iso", "rootdir", "backup");
        put(random, tags, Tag.GUEST, "100", "4711", "99", "0100", "", "x");
        put(random, tags, Tag.DISK, "0", "7", "state", "cloudinit", "07", "");
        put(random, tags, Tag.BASE, "0", "1", "", "");
        put(random, tags, Tag.COMMENT, "debian-12", "Debian", "-x", "", "a-sp-a.b.c");
        put(random, tags, Tag.SNAPSHOT, "before", "Before", "b", "a-p-a.b.c", "");
        put(random, tags, Tag.SNAPSHOT_OF, "a.b.c", "nonsense", "");
        String name = random.nextInt(20) == 0 ? "named-by-hand" : "~a.b." + Integer.toString(random.nextInt(99), 36);
        return new ApiObject(name, name.replace("~", ""), random.nextBoolean(), 512, 0L, 0, tags);
    }

    private static void put(Random random, Map<String, String> tags, Tag tag, String... values) {
        if (random.nextInt(3) > 0) {
            tags.put(tag.word(), values[random.nextInt(values.length)]);
        }
    }

    private static StorpoolName generated(Random random) {
        Vmid guest = new Vmid(100 + random.nextInt(999_999_900));
        long disk = random.nextInt(3) == 0 ? random.nextInt(1_000_000_000) : random.nextInt(20);
        GlobalId global = global(random);
        return switch (random.nextInt(7)) {
            case 0 -> new StorpoolName.Iso(text(random, "", 60), global);
            case 1 -> new StorpoolName.FreeImage(text(random, "", 60), global);
            case 2 -> new StorpoolName.DiskSnapshot(guest, disk, identifier(random), global(random), global);
            case 3 -> new StorpoolName.State(guest, identifier(random), global);
            case 4 -> new StorpoolName.TemplateDisk(guest, disk, global);
            case 5 -> new StorpoolName.Disk(guest, disk, global);
            default -> new StorpoolName.CloudInit(guest, random.nextBoolean() ? global : null);
        };
    }

    private static GlobalId global(Random random) {
        return new GlobalId(part(random) + "." + part(random) + "." + part(random));
    }

    private static String part(Random random) {
        return Integer.toString(random.nextInt(random.nextBoolean() ? 36 : 1_000_000), 36);
    }

    /** With pieces in it that look like parts of names. */
    private static String text(Random random, String first, int longest) {
        StringBuilder text = new StringBuilder(first);
        String[] pieces = {
            "-sp-", "-p-", "a.b.c", ".raw", ".iso", "img-", "snap-100-disk-0-", "-state-", "_", "X", ":", "0"
        };
        int length = 1 + random.nextInt(longest);
        while (text.length() < length) {
            text.append(random.nextInt(4) == 0 ? pieces[random.nextInt(pieces.length)] : part(random));
        }
        String made = text.substring(0, length);
        return made.startsWith("-") ? "a" + made : made;
    }

    private static String identifier(Random random) {
        String text = text(random, "s", 40).replaceAll("[A-Z:]", "x");
        return text.replaceFirst("[^a-z0-9]$", "9") + (text.length() == 1 ? "1" : "");
    }
}
