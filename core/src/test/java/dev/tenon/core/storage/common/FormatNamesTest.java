package dev.tenon.core.storage.common;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.Host;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What becomes of the wanted name of an image, on each of PVE's types, and for thousands of made-up names. */
class FormatNamesTest {
    private static final long SEED = 16;
    private static final int NAMES = 10_000;

    private static final Map<String, FormatNames> TYPES = Map.of(
            "base", FormatNames.FILES,
            "btrfs", FormatNames.FILES,
            "lvm", FormatNames.LVM,
            "thin", FormatNames.LVM_THIN,
            "rbd", FormatNames.RBD,
            "zfspool", FormatNames.ZFS_POOL,
            "zfs", FormatNames.ZFS);

    private static final List<Format> FORMATS = List.of(
            Format.Image.RAW, Format.Image.QCOW2, Format.Image.VMDK, Format.Image.SUBVOL, new Format.Other("vhdx"));

    /** What became of a name: the one to use, or the words in which it was refused, and what the host was warned of. */
    private record Outcome(Optional<String> name, Optional<StorageException> refusal, List<String> warnings) {
        static Outcome of(FormatNames names, String name, Format format, boolean isStrict) {
            List<String> warnings = new ArrayList<>();
            try {
                String fitting = new Host(true, warnings::add, null).call(() -> names.fitting(name, format, isStrict));
                return new Outcome(Optional.of(fitting), Optional.empty(), warnings);
            } catch (StorageException e) {
                return new Outcome(Optional.empty(), Optional.of(e), warnings);
            }
        }

        String text() {
            return refusal.map(StorageException::getMessage).orElse("");
        }
    }

    /** A line of the table, and which of its two answers is meant. */
    record Case(String type, String name, String format, boolean isStrict, String answer) {}

    static Stream<Case> cases() throws IOException {
        try (InputStream in = FormatNamesTest.class.getResourceAsStream("/names-for-formats.txt")) {
            String table = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            return table.lines().filter(line -> !line.startsWith("#")).flatMap(line -> {
                String[] row = line.split("\\|", -1);
                return Stream.of(
                                new Case(row[0], row[1], row[2], true, row[3]),
                                new Case(row[0], row[1], row[2], false, row[4]))
                        .filter(told -> !told.answer().isEmpty());
            });
        }
    }

    @Test
    void theTableHasEveryCase() throws IOException {
        assertThat(cases()).hasSize(84);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aNameBecomesWhatPveMakesOfIt(Case told) {
        Outcome outcome = Outcome.of(
                Objects.requireNonNull(TYPES.get(told.type())),
                told.name(),
                Format.ofWord(told.format()),
                told.isStrict());

        String rest = told.answer().substring(1);
        switch (told.answer().charAt(0)) {
            case '=' -> {
                assertThat(outcome.name()).contains(told.name());
                assertThat(outcome.warnings()).isEmpty();
            }
            case '>' -> {
                assertThat(outcome.name()).contains(rest);
                assertThat(outcome.warnings())
                        .containsExactly("volume name '" + told.name() + "' is missing the '." + told.format()
                                + "' extension - allocating '" + rest + "'");
            }
            case '?' ->
                assertThat(outcome.text())
                        .isEqualTo("illegal name " + told.name()
                                + " - volume name does not match requested format '" + told.format()
                                + "' (did you mean '" + rest + "'?)");
            default -> assertThat(outcome.text()).contains(rest);
        }
    }

    /** Each step by itself, in its order, for every type and format. */
    @Test
    void tenThousandNamesGoThroughTheSixSteps() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        for (int i = 0; i < NAMES; i++) {
            String name = name(random);
            Format format = FORMATS.get(random.nextInt(FORMATS.size()));
            boolean isStrict = random.nextBoolean();
            TYPES.forEach((type, names) -> assertSteps(type, names, name, format, isStrict));
        }
    }

    private static void assertSteps(String type, FormatNames names, String name, Format format, boolean isStrict) {
        Outcome outcome = Outcome.of(names, name, format, isStrict);
        String what = type + " " + name + " " + format.word() + " " + isStrict;
        if (!names.extensions().containsKey(format)) {
            assertThat(outcome.text()).as(what).isEqualTo("unsupported format '" + format.word() + "'");
            return;
        }
        Optional<Format> told;
        try {
            told = names.parsed(name);
        } catch (StorageException e) {
            assertThat(outcome.text()).as(what).isEqualTo(e.getMessage());
            return;
        }
        if (told.equals(Optional.of(format))) {
            assertThat(outcome).as(what).isEqualTo(new Outcome(Optional.of(name), Optional.empty(), List.of()));
            return;
        }
        String adapted = names.with(name, format);
        boolean hasExtension = name.matches("(?s).*\\.[^.]+");
        if (isStrict || hasExtension || type.startsWith("zfs")) {
            assertThat(outcome.text())
                    .as(what)
                    .startsWith("illegal name " + name + " - ")
                    .endsWith("(did you mean '" + adapted + "'?)");
            assertThat(outcome.refusal().orElseThrow().error()).as(what).isEqualTo(StorageError.INVALID_NAME);
            return;
        }
        Optional<Format> ofAdapted;
        try {
            ofAdapted = names.parsed(adapted);
        } catch (StorageException e) {
            assertThat(outcome.text()).as(what).isEqualTo(e.getMessage());
            return;
        }
        if (!ofAdapted.equals(Optional.of(format))) {
            assertThat(outcome.text()).as(what).contains("adapted name '" + adapted + "' is not a valid");
            return;
        }
        assertThat(outcome.name()).as(what).contains(adapted);
        assertThat(outcome.warnings()).as(what).hasSize(1);
    }

    /** Mostly what looks like a name of some type, sometimes with a character that is wrong. */
    static String name(RandomGenerator random) {
        StringBuilder name = new StringBuilder();
        name.append(pick(random, "vm-", "vm-", "base-", "subvol-", "basevol-", "snap-vm-", "iso-", "", "../", "vm-9/"));
        name.append(pick(random, "100", "7", "999999999", "", "x"));
        name.append(pick(random, "-disk-0", "-cloudinit", "-disk-1.backup", "-", "", "-Ä", "-disk 0", "-state-a.b"));
        name.append(pick(random, "", "", "", ".raw", ".qcow2", ".vmdk", ".subvol", ".vhdx", ".disk", ".", "..raw"));
        if (random.nextInt(8) == 0) {
            name.insert(random.nextInt(name.length() + 1), pick(random, "/", "..", " ", "$", "'", "\\", "-", "@"));
        }
        return name.toString();
    }

    private static String pick(RandomGenerator random, String... parts) {
        return parts[random.nextInt(parts.length)];
    }
}
