package dev.tenon.it.faulty;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.command.Command;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.it.faulty.Finders.Tool;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From each field of each answer of a storage and from each change that it can make faulty plugins are made, of each kind of
 * fault; how many of them comparisons, the shadow, the conformance kit and a replay find. A few are tried; {@code
 * -Dtenon.full=true} or {@code -Dtenon.mutants=1} tries all with all tools, and prints the tables that docs/MIGRATION.md has;
 * {@code -Dtenon.mutants.from=N} leaves out the first of them.
 */
@Tag("long")
class FaultyPluginsTest {
    /** Of so many one is tried. */
    private static final int STRIDE = Integer.getInteger("tenon.mutants", Boolean.getBoolean("tenon.full") ? 1 : 41);

    /** How many are left out, so that a run that was interrupted can be continued. */
    private static final int FROM = Integer.getInteger("tenon.mutants.from", 0);

    /** The whole kit takes long: of so many faulty answers it is given one, and those that nobody else found. */
    private static final int SAMPLE = 5;

    private static final boolean IS_WHOLE = STRIDE == 1;
    private static final double SHARE = 0.95;
    private static final int SEEDS = IS_WHOLE ? 10 : 1;

    private final StoragePlugin dir = Objects.requireNonNull(NativeTypes.all().get("dir"));

    @TempDir
    private Path directory = Path.of("");

    @BeforeEach
    @AfterEach
    void baseImagesCanBeRemoved() {
        Command.of("chattr", "-R", "-f", "-i", directory.toString()).run();
    }

    /** How many there are, and how many of them who finds. */
    private static final class Row {
        private final Map<Tool, Integer> asked = new EnumMap<>(Tool.class);
        private final Map<Tool, Integer> found = new EnumMap<>(Tool.class);
        private int made;
        private int together;

        private String of(Tool tool) {
            return asked.containsKey(tool) ? found.getOrDefault(tool, 0) + " of " + asked.get(tool) : "-";
        }

        private String line(String name) {
            return "| " + name + " | " + made + " | " + of(Tool.COMPARE) + " | " + of(Tool.SHADOW) + " | "
                    + of(Tool.CHECK) + " | " + of(Tool.REPLAY) + " | " + together + " |";
        }

        private void add(Row other) {
            made += other.made;
            together += other.together;
            other.asked.forEach((tool, count) -> asked.merge(tool, count, Integer::sum));
            other.found.forEach((tool, count) -> found.merge(tool, count, Integer::sum));
        }
    }

    @Test
    void faultsOfAnyKindAreFoundInAnswersAndInChanges() throws IOException, InterruptedException {
        Finders finders = new Finders(dir, directory);
        List<Fault> faults = new ArrayList<>(FaultyAnswers.all(dir, finders.used()));
        faults.addAll(FaultySteps.all());
        Map<Boolean, Map<Kind, Row>> tables = Map.of(true, new EnumMap<>(Kind.class), false, new EnumMap<>(Kind.class));
        List<String> missed = new ArrayList<>();
        for (int i = FROM; i < faults.size(); i += STRIDE) {
            Fault fault = faults.get(i);
            Row row = Objects.requireNonNull(tables.get(fault.isInAnswer()))
                    .computeIfAbsent(fault.kind(), ignored -> new Row());
            row.made++;
            if (isFound(finders, fault, row, i % SAMPLE == 0)) {
                row.together++;
            } else {
                missed.add(fault.toString());
            }
        }
        Row all = new Row();
        for (boolean isInAnswer : new boolean[] {true, false}) {
            System.out.println(isInAnswer ? "in answers" : "in changes");
            Objects.requireNonNull(tables.get(isInAnswer)).forEach((kind, row) -> {
                System.out.println(row.line(kind.words()));
                all.add(row);
            });
        }
        System.out.println(all.line("all"));
        System.out.println("not found: " + missed);
        assertThat(all.made)
                .isGreaterThan((faults.size() - FROM) / (STRIDE + 1))
                .isGreaterThan(10);
        assertThat((double) all.together).as("not found: %s", missed).isGreaterThanOrEqualTo(all.made * SHARE);
    }

    private static boolean isFound(Finders finders, Fault fault, Row row, boolean isInSample)
            throws IOException, InterruptedException {
        boolean isFound = false;
        for (Tool tool : Tool.values()) {
            // Who finds it, too, is asked only for the table.
            boolean isForTable = IS_WHOLE && (tool != Tool.CHECK || !fault.isInAnswer() || isInSample);
            if (tool.looksFor(fault) && (!isFound || isForTable)) {
                row.asked.merge(tool, 1, Integer::sum);
                if (finders.isFound(tool, fault.in(finders.faithful()))) {
                    isFound = true;
                    row.found.merge(tool, 1, Integer::sum);
                }
            }
        }
        return isFound;
    }

    @Test
    void nothingIsToldOfAFaithfulPlugin() throws IOException, InterruptedException {
        Finders finders = new Finders(dir, directory);
        for (long seed = 1; seed <= SEEDS; seed++) {
            assertThat(finders.isFoundBySequence(dir, seed)).as("seed %s", seed).isFalse();
        }
        for (Tool tool : IS_WHOLE ? List.of(Tool.values()) : List.<Tool>of()) {
            assertThat(finders.isFound(tool, dir)).as("%s", tool).isFalse();
        }
    }
}
