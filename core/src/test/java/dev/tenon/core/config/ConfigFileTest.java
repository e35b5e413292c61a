package dev.tenon.core.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.config.ConfigFile.Property;
import dev.tenon.core.config.ConfigFile.Section;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConfigFileTest {
    private static final List<String> ORDER = List.of("disable", "path", "content", "nodes", "shared");

    private static ConfigFile file(String text) {
        return new ConfigFile(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void aSectionIsAHeaderAndTheLinesUntilAnEmptyOne() {
        ConfigFile file = file("""
                DIR: a
                \tpath /srv/with blank \t
                # told
                  \t# too
                \tdisable

                zfspool:b
                \tpool tank
                """);
        assertThat(file.ignored()).isEmpty();
        assertThat(file.sections())
                .containsExactly(
                        new Section(
                                1,
                                6,
                                "dir",
                                "a",
                                List.of(
                                        new Property(2, "path", "/srv/with blank", true),
                                        new Property(5, "disable", null, true)),
                                List.of()),
                        new Section(7, 8, "zfspool", "b", List.of(new Property(8, "pool", "tank", true)), List.of()));
    }

    @Test
    void aHeaderThatFollowsAPropertyStartsNoSection() {
        ConfigFile file = file("dir: a\n\tpath /a\ndir: b\n\tpath /b\n");
        assertThat(file.sections()).singleElement().satisfies(section -> {
            assertThat(section.ignored()).containsExactly(3);
            assertThat(section.properties()).extracting(Property::value).containsExactly("/a", "/b");
        });
    }

    @Test
    void aLineOfBlanksEndsNoSectionAndAZeroDoes() {
        ConfigFile file = file("dir: a\n  \n\tpath /a\n0\ndir: b\n");
        assertThat(file.sections()).extracting(Section::id).containsExactly("a", "b");
        assertThat(file.sections().getFirst().ignored()).containsExactly(2);
        assertThat(file.sections().getFirst().properties()).hasSize(1);
    }

    @Test
    void whatIsNoHeaderOutsideOfASectionSaysNothing() {
        assertThat(file(" dir: a\n\n\tpath /x\n \nnonsense\n0\n#dir: c\ndir: a b\n")
                        .ignored())
                .containsExactly(1, 3, 4, 5, 8);
    }

    @Test
    void aNewSectionIsSetOffFromWhatIsBeforeIt() {
        List<String> lines = List.of("\tpath /n");
        assertThat(text(file("").adding("dir", "n", lines))).isEqualTo("dir: n\n\tpath /n\n\n");
        assertThat(text(file("dir: a\n\tpath /a\n\n").adding("dir", "n", lines)))
                .isEqualTo("dir: a\n\tpath /a\n\ndir: n\n\tpath /n\n\n");
        assertThat(text(file("dir: a\n\tpath /a").adding("dir", "n", lines)))
                .isEqualTo("dir: a\n\tpath /a\n\ndir: n\n\tpath /n\n\n");
        assertThat(text(file("dir: a\n# of a").adding("dir", "n", lines)))
                .isEqualTo("dir: a\n# of a\n\ndir: n\n\tpath /n\n\n");
        assertThat(text(file("# alone").adding("dir", "n", lines))).isEqualTo("# alone\ndir: n\n\tpath /n\n\n");
    }

    @Test
    void aChangeKeepsCommentsAndPutsNewLinesWherePveWouldWriteThem() {
        ConfigFile file = file("""
                dir: a
                # why
                \tpath /a
                    content  iso
                \tunheard of
                \tshared
                # end

                # of b
                dir: b
                \tpath /b
                """);
        byte[] changed = file.changing(
                file.sections().getFirst(),
                Map.of(
                        "disable", List.of("\tdisable"),
                        "content", List.of("\tcontent images"),
                        "nodes", List.of("\tnodes x,y"),
                        "shared", List.of()),
                ORDER);
        assertThat(text(changed)).isEqualTo("""
                        dir: a
                        # why
                        \tdisable
                        \tpath /a
                        \tcontent images
                        \tunheard of
                        \tnodes x,y
                        # end

                        # of b
                        dir: b
                        \tpath /b
                        """);
    }

    @Test
    void aChangeOfTheLastLineWithoutLineFeedAddsOne() {
        ConfigFile file = file("dir: a\n\tpath /a");
        assertThat(text(file.changing(file.sections().getFirst(), Map.of("shared", List.of("\tshared 1")), ORDER)))
                .isEqualTo("dir: a\n\tpath /a\n\tshared 1\n");
        ConfigFile bare = file("dir: a");
        assertThat(text(bare.changing(bare.sections().getFirst(), Map.of("shared", List.of("\tshared 1")), ORDER)))
                .isEqualTo("dir: a\n\tshared 1\n");
    }

    @Test
    void aChangeTouchesNoByteOutsideOfItsSection() {
        for (long seed = 0; seed < 2000; seed++) {
            Random random = new Random(seed);
            byte[] bytes = anyFile(random);
            ConfigFile file = new ConfigFile(bytes);
            String about = "file of seed " + seed;

            byte[] added = file.adding("dir", "added", List.of("\tpath /added"));
            assertThat(Arrays.copyOf(added, bytes.length)).as(about).isEqualTo(bytes);
            assertThat(new ConfigFile(added).sections())
                    .as(about)
                    .hasSize(file.sections().size() + 1)
                    .last()
                    .extracting(Section::id)
                    .isEqualTo("added");

            for (int i = 0; i < file.sections().size(); i++) {
                Section section = file.sections().get(i);
                byte[] before = lines(bytes, 1, section.line() - 1);
                byte[] own = lines(bytes, section.line(), section.last());
                byte[] after = lines(bytes, section.last() + 1, Integer.MAX_VALUE);

                byte[] without = file.removing(List.of(section));
                assertThat(without).as(about).isEqualTo(joined(before, after));
                assertThat(new ConfigFile(without).sections())
                        .as(about)
                        .hasSize(file.sections().size() - 1);

                byte[] changed =
                        file.changing(section, Map.of("path", List.of("\tpath /new"), "content", List.of()), ORDER);
                assertThat(Arrays.copyOf(changed, before.length)).as(about).isEqualTo(before);
                assertThat(Arrays.copyOfRange(changed, changed.length - after.length, changed.length))
                        .as(about)
                        .isEqualTo(after);
                Section read = new ConfigFile(changed).sections().get(i);
                assertThat(read.properties().stream()
                                .filter(property -> property.name().equals("path"))
                                .map(Property::value))
                        .as(about)
                        .containsExactly("/new");
                assertThat(read.properties())
                        .as(about)
                        .noneMatch(property -> property.name().equals("content"));
                List<String> kept = comments(own);
                assertThat(comments(changed)).as(about).containsAll(kept);
            }
        }
    }

    private static byte[] anyFile(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int lines = random.nextInt(24);
        for (int i = 0; i < lines; i++) {
            byte[] line = switch (random.nextInt(12)) {
                case 0, 1 -> ("dir: s" + random.nextInt(9)).getBytes(StandardCharsets.UTF_8);
                case 2 -> "zfspool:\ttank ".getBytes(StandardCharsets.UTF_8);
                case 3 -> "\tpath /srv/größe x".getBytes(StandardCharsets.UTF_8);
                case 4 -> "   content\timages,iso  ".getBytes(StandardCharsets.UTF_8);
                case 5 -> "\tshared".getBytes(StandardCharsets.UTF_8);
                case 6 -> ("# comment " + i).getBytes(StandardCharsets.UTF_8);
                case 7 -> new byte[] {'\t', 'x', ' ', (byte) 0xff, (byte) 0xc3, '\r'};
                case 8 -> "  ".getBytes(StandardCharsets.UTF_8);
                case 9 -> "0".getBytes(StandardCharsets.UTF_8);
                default -> new byte[0];
            };
            out.writeBytes(line);
            if (i < lines - 1 || random.nextBoolean()) {
                out.write('\n');
            }
        }
        return out.toByteArray();
    }

    /** The bytes of these lines, cut without the code that is tested. */
    private static byte[] lines(byte[] bytes, int from, int to) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int line = 1;
        for (byte b : bytes) {
            if (line >= from && line <= to) {
                out.write(b);
            }
            if (b == '\n') {
                line++;
            }
        }
        return out.toByteArray();
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    private static List<String> comments(byte[] bytes) {
        List<String> comments = new ArrayList<>();
        for (String line : new String(bytes, StandardCharsets.ISO_8859_1).split("\n", -1)) {
            if (line.startsWith("#")) {
                comments.add(line);
            }
        }
        return comments;
    }
}
