package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Installation;
import dev.tenon.it.support.PerlProgram;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A daemon with two plugins in Perl for one storage type. The new one answers eight processes, and begins to fail in the
 * middle of their calls; {@code -Dtenon.route.calls=10000} makes more of them.
 */
class RoutedDaemonTest {
    private static final int CALLS = Integer.getInteger("tenon.route.calls", 800);
    private static final int CALLERS = 8;
    private static final int BAD = 5;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static DaemonProcess start(Scratch scratch) {
        return DaemonProcess.startWith(
                scratch,
                List.of(
                        "--adopted",
                        scratch.file("nothing-adopted").toString(),
                        "--plugin",
                        Installation.plugin("CountingPlugin.pm").toString(),
                        "--shadow",
                        "counting=" + Installation.plugin("TurningPlugin.pm"),
                        "--shadow-report",
                        scratch.file("reports").toString(),
                        "--routes",
                        scratch.file("routes").toString()));
    }

    private static TenonCommand tenon(Scratch scratch, String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--socket", DaemonProcess.socketIn(scratch).toString()));
        return TenonCommand.run(scratch, all.toArray(String[]::new));
    }

    @Test
    void aPluginThatBeginsToFailIsLeftWithinTheBoundsAndNoChangeIsMadeTwice(Scratch scratch) throws IOException {
        DaemonProcess daemon = start(scratch);
        String bad = Integer.toString(BAD);
        TenonCommand routed = tenon(
                scratch, "route", "counting", "fallback", "--reason", "no differences", "--bad", bad, "--of", "50");
        assertThat(routed.status()).as(routed.errors()).isZero();

        List<PerlProgram> callers = IntStream.range(0, CALLERS)
                .mapToObj(number -> PerlProgram.start(
                        scratch,
                        List.of(),
                        Installation.resource("perl/routed.pl"),
                        scratch.storage().toString(),
                        "c" + number,
                        Integer.toString(CALLS / CALLERS),
                        number == 0 ? "1" : "0"))
                .toList();
        Set<String> told = new HashSet<>();
        int failures = 0;
        for (PerlProgram caller : callers) {
            assertThat(caller.awaitEnd()).as(caller.errors()).isZero();
            List<String> lines = caller.said().lines().toList();
            lines.stream().filter(line -> line.startsWith("made ")).forEach(line -> told.add(line.substring(5)));
            List<String> failed =
                    lines.stream().filter(line -> line.startsWith("failed")).toList();
            assertThat(failed)
                    .as("a change that may have begun")
                    .allMatch(line -> line.matches("failed change .* UNKNOWN"));
            assertThat(failed).hasSizeLessThanOrEqualTo(BAD);
            failures += failed.size();
        }
        assertThat(failures).isLessThanOrEqualTo(BAD + CALLERS - 1);

        List<String> made = Files.readAllLines(scratch.storage().resolve("made"));
        List<String> names =
                made.stream().map(line -> line.substring(line.indexOf(' ') + 1)).toList();
        assertThat(names).as("no change is made twice").doesNotHaveDuplicates().containsAll(told);
        assertThat(names.size() + failures).isGreaterThanOrEqualTo(CALLERS * (CALLS / CALLERS / 4));
        assertThat(made)
                .as("both made some")
                .anyMatch(line -> line.startsWith("new "))
                .anyMatch(line -> line.startsWith("old "));
        assertThat(daemon.log())
                .containsOnlyOnce("by=bounds")
                .contains("event=route-changed type=counting storage=nas method=all way=old by=bounds reason=\"" + BAD
                        + " of the last ")
                .contains("the array does not answer");
        System.out.println(CALLS + " calls by " + CALLERS + " processes, " + failures + " failed, all of them changes");

        daemon.terminate();
        daemon.awaitEnd();
        start(scratch);
        TenonCommand shown = tenon(scratch, "route");
        assertThat(shown.said()).contains("bounds", "old", "5 of the last", "fallback", "no differences");
        assertThat(tenon(scratch, "route", "counting", "new", "--storage", "nas", "--reason", "repaired")
                        .said())
                .doesNotContain("bounds  ");
    }

    /** Three calls that read: a change soon after them would explain a difference. */
    private static TenonCommand askedBeside(Scratch scratch) {
        String path = scratch.storage().toString();
        PerlProgram.run(scratch, List.of(), Installation.resource("perl/routed.pl"), path, "c", "3", "0");
        return tenon(scratch, "shadow", "counting");
    }

    @Test
    void aReportOnTheShadowIsHadWhileTheDaemonRuns(Scratch scratch) throws IOException {
        start(scratch);
        // What is asked before the new plugin has started may be late.
        TenonCommand shadow = await("calls are compared")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .until(() -> askedBeside(scratch), asked -> !asked.said().contains(" 0 calls compared"));

        Path reports = scratch.file("reports").resolve("counting");
        assertThat(shadow.said()).contains("calls compared", reports.toString());
        assertThat(Files.readString(reports.resolve("report.json"))).contains("volumeSizeInfo");
        assertThat(reports.resolve("report.html")).isRegularFile();
    }

    @Test
    void whatIsWrongWithARouteIsToldAndNothingIsChanged(Scratch scratch) throws IOException {
        start(scratch);
        for (List<String> words : List.of(
                List.of("route", "counting", "sideways", "--reason", "x"),
                List.of("route", "counting", "new", "--method", "stauts", "--reason", "x"),
                List.of("route", "counting", "new", "--bad", "7", "--of", "6", "--reason", "x"),
                List.of("route", "other", "new", "--reason", "x"),
                List.of("shadow", "other"))) {
            TenonCommand wrong = tenon(scratch, words.toArray(String[]::new));
            assertThat(wrong.status()).as(wrong.said()).isEqualTo(1);
            assertThat(wrong.errors())
                    .containsAnyOf("'sideways'", "'stauts'", "7 bad calls of 6", "'other' has no new plugin");
        }
        assertThat(tenon(scratch, "route", "counting", "new").status()).isEqualTo(2);
        try (Stream<Path> files =
                Files.exists(scratch.file("routes")) ? Files.list(scratch.file("routes")) : Stream.empty()) {
            assertThat(files).isEmpty();
        }
    }
}
