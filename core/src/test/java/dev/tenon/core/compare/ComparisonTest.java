package dev.tenon.core.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.decorator.Decorator;
import dev.tenon.core.spi.ByteSize;
import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.Format;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.ParsedVolume;
import dev.tenon.core.spi.SnapshotName;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageConfig;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.spi.Vmid;
import dev.tenon.core.spi.VolumeName;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real directory, asked through a faithful plugin and through faulty ones. */
@Tag("long")
class ComparisonTest {
    private static final int MOST = 100;

    private final StoragePlugin dir = Objects.requireNonNull(NativeTypes.all().get("dir"));

    @TempDir
    private Path directory = Path.of("");

    private Storage storage = storage(Path.of("/"));

    @BeforeEach
    void hasVolumes() throws IOException {
        storage = storage(directory);
        dir.activateStorage(storage, OperationCache.create());
        dir.allocImage(storage, new Vmid(100), Format.Image.RAW, null, ByteSize.ofKib(1024));
        VolumeName image = dir.allocImage(storage, new Vmid(100), Format.Image.QCOW2, null, ByteSize.ofKib(2048));
        dir.snapshotVolume(storage, image, new SnapshotName("one"));
        VolumeName other = dir.allocImage(storage, new Vmid(101), Format.Image.QCOW2, null, ByteSize.ofKib(64));
        dir.cloneImage(storage, dir.createBase(storage, other), new Vmid(102), null);
        Files.writeString(directory.resolve("template/iso/tools.iso"), "not much");
        Files.writeString(directory.resolve("dump/vzdump-qemu-100-2024_02_29-10_11_12.vma"), "no archive");
        Files.writeString(directory.resolve("dump/vzdump-qemu-100-2024_02_29-10_11_12.vma.notes"), "before");
    }

    /** Base images are immutable, so that only the plugin can remove them. */
    @AfterEach
    void hasNoVolumes() {
        for (boolean ofBases : new boolean[] {false, true}) {
            dir.listImages(storage, ImageFilter.all(), OperationCache.create()).stream()
                    .map(volume -> volume.volid().volume())
                    .filter(name -> dir.parseVolname(name) instanceof ParsedVolume.GuestImage image
                            && image.isBase() == ofBases)
                    .forEach(name -> dir.freeImage(storage, name, ofBases, null).ifPresent(Cleanup::run));
        }
    }

    private static Storage storage(Path path) {
        Map<String, Object> content = new TreeMap<>();
        List.of("images", "iso", "backup", "rootdir").forEach(type -> content.put(type, 1L));
        return new Storage(
                new StorageId("nas"), new StorageConfig("dir", Map.of("path", path.toString(), "content", content)));
    }

    private Report compare(StoragePlugin candidate, Rules rules, long seed) {
        return compare(dir, candidate, rules, seed);
    }

    private Report compare(StoragePlugin old, StoragePlugin candidate, Rules rules, long seed) {
        Results results = new Results(rules);
        Questions questions = new Questions(new Comparison(old, candidate, rules, seed, results).plugin(), seed, MOST);
        questions.askOfType();
        questions.ask(storage);
        questions.askWhatIsPruned(storage);
        return results.report(about(), List.of());
    }

    private static Report.About about() {
        Instant now = Instant.now();
        return new Report.About("old", "new", new TreeMap<>(), now, now, 1, "tenon compare");
    }

    /** Answers of one method, changed. */
    private StoragePlugin faulty(String method, UnaryOperator<@Nullable Object> fault) {
        return Decorator.decorate(
                dir, (call, next) -> call.operation().equals(method) ? fault.apply(next.get()) : next.get());
    }

    @Test
    void aFaithfulPluginGetsGoWhateverTheSeed() {
        for (long seed = 1; seed <= 10; seed++) {
            Report report = compare(dir, Rules.NONE, seed);

            assertThat(report.mismatches()).isEmpty();
            assertThat(report.verdict()).isEqualTo(Verdict.GO);
            assertThat(report.total().calls()).isGreaterThan(400);
        }
    }

    private List<Compared> ofShadow(StoragePlugin candidate) {
        List<Compared> results = new CopyOnWriteArrayList<>();
        Shadow.Settings all = new Shadow.Settings(1, 1, 10_000, 100_000, Duration.ofMinutes(1));
        try (Shadow shadow = new Shadow(dir, candidate, Rules.NONE, all, results::add)) {
            Questions questions = new Questions(shadow.plugin(), 1, MOST);
            questions.askOfType();
            questions.ask(storage);
        }
        return results;
    }

    @Test
    void theShadowTellsNothingOfAFaithfulPlugin() {
        for (int i = 0; i < 10; i++) {
            List<Compared> results = ofShadow(dir);

            assertThat(results)
                    .hasSizeGreaterThan(400)
                    .allMatch(compared -> compared.unexplained().isEmpty());
        }
    }

    @Test
    void whatMovesByItselfIsNoise() {
        AtomicInteger calls = new AtomicInteger();
        StoragePlugin restless = Decorator.decorate(
                dir,
                (call, next) ->
                        call.operation().equals("identity") || call.operation().equals("getSubdir")
                                ? next.get() + "/" + calls.incrementAndGet()
                                : next.get());

        Report report = compare(restless, restless, Rules.NONE, 1);

        assertThat(report.mismatches()).isEmpty();
        assertThat(report.verdict()).isEqualTo(Verdict.GO);
        assertThat(report.total().noise()).isGreaterThan(3);
    }

    /** As if other programs wrote to the disk all the time. */
    private StoragePlugin onBusyDisk() {
        AtomicLong room = new AtomicLong(50L << 30);
        return Decorator.decorate(
                dir,
                (call, next) -> call.operation().equals("status")
                        ? new StorageStatus.Active(
                                ByteSize.ofBytes(100L << 30),
                                ByteSize.ofBytes(room.addAndGet(-4096)),
                                ByteSize.ofBytes((100L << 30) - room.get()))
                        : next.get());
    }

    private static StoragePlugin inOtherUnit(StoragePlugin plugin) {
        return Decorator.decorate(plugin, (call, next) -> {
            Object answer = next.get();
            return answer instanceof StorageStatus.Active status
                    ? new StorageStatus.Active(
                            status.total(), ByteSize.ofBytes(status.available().bytes() >> 10), status.used())
                    : answer;
        });
    }

    @Test
    void theRoomOfABusyDiskIsNoiseAndInAnotherUnitItIsNot() {
        StoragePlugin busy = onBusyDisk();
        Shadow.Settings never = new Shadow.Settings(1, 0, 10_000, 100_000, Duration.ofMinutes(1));
        for (Shadow.Settings settings :
                List.of(never, new Shadow.Settings(1, 1, 10_000, 100_000, Duration.ofMinutes(1)))) {
            assertThat(statusesOf(busy, busy, settings)).hasSize(20).allMatch(List::isEmpty);
            assertThat(statusesOf(busy, inOtherUnit(busy), settings))
                    .hasSize(20)
                    .allMatch(fields -> fields.contains("available"));
        }
    }

    private List<List<String>> statusesOf(StoragePlugin old, StoragePlugin candidate, Shadow.Settings settings) {
        List<List<String>> fields = new CopyOnWriteArrayList<>();
        try (Shadow shadow = new Shadow(
                old,
                candidate,
                Rules.NONE,
                settings,
                compared -> fields.add(
                        compared.unexplained().stream().map(Difference::field).toList()))) {
            for (int i = 0; i < 20; i++) {
                shadow.plugin().status(storage, OperationCache.create());
            }
        }
        return fields;
    }

    @Test
    void aRuleExplainsAndOneWithNothingToExplainStopsTheMove() {
        StoragePlugin reworded = Decorator.decorate(dir, (call, next) -> {
            try {
                return next.get();
            } catch (StorageException e) {
                throw new StorageException(e.error(), e.outcome(), "sorry: " + e.getMessage());
            }
        });
        Rule words = new Rule("*", null, "text", new Rule.Tolerance.Ignore(), "politer", "the storage team");
        Rule stale = new Rule("path", "nas", "owner", new Rule.Tolerance.Ignore(), "was so once", "the storage team");

        assertThat(compare(reworded, Rules.NONE, 1).verdict()).isEqualTo(Verdict.NO_GO);
        Report explained = compare(reworded, new Rules(List.of(words)), 1);
        assertThat(explained.verdict()).isEqualTo(Verdict.GO_WITH_EXCEPTIONS);
        Report hindered = compare(reworded, new Rules(List.of(words, stale)), 1);
        assertThat(hindered.verdict()).isEqualTo(Verdict.NO_GO);
        assertThat(hindered.reasons().getFirst()).contains("method 'path', field 'owner', storage 'nas'");
    }

    @Test
    void anErrorOfAnotherKindDiffersThoughItsWordsAreTheSame() {
        StoragePlugin other = Decorator.decorate(dir, (call, next) -> {
            try {
                return next.get();
            } catch (StorageException e) {
                throw new StorageException(StorageError.INTERNAL, Outcome.UNKNOWN, e.getMessage());
            }
        });

        assertThat(compare(other, Rules.NONE, 1).mismatches())
                .extracting(mismatch -> mismatch.difference().field())
                .contains("error", "outcome")
                .doesNotContain("text");
    }

    @Test
    void changesOfScratchStoragesAreTheSameOrToldWithTheFewestThatShowIt() throws IOException {
        Results faithful = new Results(Rules.NONE);
        new Sequences(dir, dir, Rules.NONE, this::scratch).run(1, 40, faithful);
        assertThat(faithful.report(about(), List.of()).mismatches()).isEmpty();

        StoragePlugin careless = Decorator.decorate(dir, (call, next) -> {
            // says that it resized, and did not
            return call.operation().equals("resizeVolume") ? null : next.get();
        });
        Results results = new Results(Rules.NONE);
        for (long seed = 1; seed <= 5; seed++) {
            new Sequences(dir, careless, Rules.NONE, this::scratch).run(seed, 60, results);
        }
        List<Report.Mismatch> found = results.report(about(), List.of()).mismatches();
        assertThat(found).isNotEmpty();
        List<String> told = found.getFirst().question().arguments();
        assertThat(told).filteredOn(text -> text.startsWith("after")).hasSizeLessThanOrEqualTo(4);
        assertThat(told.getLast()).contains("resizeVolume");
    }

    @Test
    void aSequenceGoesOnAfterADifferenceAsIfTheChangeHadNotBeenMade() {
        StoragePlugin lazy = Decorator.decorate(dir, (call, next) -> {
            if (call.operation().equals("deleteSnapshot") || call.operation().equals("resizeVolume")) {
                throw new StorageException(StorageError.NOT_SUPPORTED, Outcome.NOT_STARTED, "not now");
            }
            return next.get();
        });

        List<Report.Mismatch> found = ofSequence(lazy, Rules.NONE).mismatches();

        assertThat(found)
                .extracting(
                        mismatch -> mismatch.question().method(),
                        mismatch -> mismatch.difference().field())
                .contains(tuple("deleteSnapshot", "answer"), tuple("resizeVolume", "answer"));
        // A name that is missing and one that means nothing are refused in other words.
        assertThat(found)
                .filteredOn(mismatch -> mismatch.question().method().equals("resizeVolume")
                        && mismatch.difference().field().equals("text"))
                .hasSize(2);
        assertThat(found)
                .extracting(mismatch -> mismatch.question().method())
                .containsOnly("deleteSnapshot", "resizeVolume");

        Rule known = new Rule("deleteSnapshot", null, "*", new Rule.Tolerance.Ignore(), "not needed", "us");
        assertThat(ofSequence(lazy, new Rules(List.of(known))).mismatches())
                .extracting(mismatch -> mismatch.question().method())
                .containsOnly("resizeVolume");
    }

    private Report ofSequence(StoragePlugin candidate, Rules rules) {
        Results results = new Results(rules);
        new Sequences(dir, candidate, rules, this::scratch).run(1, 27, results);
        return results.report(about(), List.of());
    }

    private Storage scratch() {
        try {
            return storage(Files.createTempDirectory(directory, "scratch"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theReportIsOnePageThatShowsNamesAsText() throws IOException {
        Files.createDirectories(directory.resolve("images/100"));
        Files.writeString(directory.resolve("images/100/vm-100-<b>&.raw"), "x");
        StoragePlugin forgetful = faulty("listImages", value -> List.of());

        Path reports = directory.resolve("reports");
        ReportFiles.write(compare(forgetful, Rules.NONE, 1), reports);

        String html = Files.readString(reports.resolve("report.html"));
        assertThat(html)
                .contains("NO-GO", "listImages", "vm-100-&lt;b&gt;&amp;.raw")
                .doesNotContain("<b>", "<script", "http://", "https://");
        assertThat(Files.readString(reports.resolve("report.json"))).contains("\"verdict\" : \"NO-GO\"");
        assertThat(Files.readString(reports.resolve("report.xml"))).contains("<failure message=");
    }

    @Test
    void aFileOfRulesSaysWhatIsWrongWithIt() throws IOException {
        Path file = directory.resolve("rules.json");
        Files.writeString(file, """
            { "rules": [ { "method": "status", "field": "available", "within": 10,
                           "reason": "reserved blocks", "owner": "me" } ] }
            """);
        assertThat(Rules.read(file).rules())
                .containsExactly(
                        new Rule("status", null, "available", new Rule.Tolerance.Within(10), "reserved blocks", "me"));

        for (String wrong : List.of(
                "[]",
                "{}",
                "{ \"rules\": [ 1 ] }",
                "{ \"rules\": [ {} ] }",
                "{ \"rules\": [ " + "{\"method\":\"a\",\"field\":\"b\",\"reason\":\"c\",\"owner\":\"d\"} ] }",
                "{ \"rules\": [ "
                        + "{\"method\":\"a\",\"field\":\"b\",\"reason\":\"c\",\"owner\":\"d\",\"ignroe\":true} ] }")) {
            Files.writeString(file, wrong);
            assertThatThrownBy(() -> Rules.read(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("rules.json");
        }
    }
}
