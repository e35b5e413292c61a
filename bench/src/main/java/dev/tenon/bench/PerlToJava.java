package dev.tenon.bench;

import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.proto.MethodTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A Perl program calls a storage of the daemon, and an echo. */
final class PerlToJava {
    private static final MethodTable TABLE = StorageApi.API.table();
    private static final int IDLE_SECONDS = 5;
    private static final Targets NONE = new Targets(Double.NaN, Double.NaN);

    /**
     * What was measured.
     *
     * @param switches how often the daemon waited for each time that the echo did, during the calls whose answers are
     *     constants
     * @param fresh bytes that the daemon had resident before its first call
     * @param used the same right after the calls
     * @param idle the same after it had been idle for a while
     */
    record Result(List<Judged> comparisons, double switches, long fresh, long used, long idle) {}

    /** A comparison and the most that its ratios may be. */
    record Judged(Comparison comparison, Targets targets) {}

    record Targets(double p50, double p99) {}

    /** With the image that the echo looks at, too. */
    record Case(
            String what,
            Path tenon,
            String method,
            List<Object> args,
            @Nullable Path image,
            Targets targets) {}

    private PerlToJava() {}

    static Result run(Scratch scratch, Plan plan) throws IOException, InterruptedException {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("type", "dir");
        config.put("path", scratch.storage().toString());
        config.put("content", Map.of("images", "1"));
        Path control = scratch.file("control.sock");
        Path constant = scratch.file("constant.sock");
        List<Case> cases = List.of(
                new Case(
                        "volume_size_info, constants",
                        constant,
                        "volume_size_info",
                        List.of(config, "bench", Scratch.QCOW2, 5),
                        null,
                        new Targets(1.2, 2)),
                new Case("parse_volname", control, "parse_volname", List.of(Scratch.QCOW2), null, NONE),
                new Case(
                        "volume_size_info, raw file",
                        control,
                        "volume_size_info",
                        List.of(config, "bench", Scratch.RAW, 5),
                        null,
                        NONE),
                new Case(
                        "volume_size_info, qcow2 file",
                        control,
                        "volume_size_info",
                        List.of(config, "bench", Scratch.QCOW2, 5),
                        scratch.storage().resolve("images").resolve(Scratch.QCOW2),
                        new Targets(1.3, Double.NaN)));
        try (JavaProcess daemon = JavaProcess.daemon(scratch, control);
                JavaProcess constants = JavaProcess.start(
                        ConstantStorage.class,
                        List.of(constant.toString()),
                        List.of(constant),
                        scratch.file("constant.log"))) {
            TimeUnit.SECONDS.sleep(1);
            long fresh = daemon.resident();
            List<String> echoes = new ArrayList<>();
            List<Path> sockets = new ArrayList<>();
            for (int i = 0; i < cases.size(); i++) {
                Case each = cases.get(i);
                Path answer = scratch.file("answer-" + i);
                Files.write(
                        answer,
                        RecordedResult.of(
                                each.tenon(),
                                "dir",
                                each.method(),
                                PositionalCalls.params(
                                        StorageApi.API, TABLE.method(each.method()), each.args(), "dir")));
                sockets.add(scratch.file("echo-" + i));
                echoes.add(sockets.getLast().toString());
                echoes.add(answer.toString());
                echoes.add(
                        each.image() == null ? EchoServer.NOTHING : each.image().toString());
            }
            List<Judged> comparisons = new ArrayList<>();
            double switches = 0;
            try (JavaProcess echo = JavaProcess.start(EchoServer.class, echoes, sockets, scratch.file("echo.log"))) {
                for (int i = 0; i < cases.size(); i++) {
                    Case each = cases.get(i);
                    long waited = constants.voluntarySwitches();
                    long echoWaited = echo.voluntarySwitches();
                    comparisons.add(new Judged(compare(each, sockets.get(i), plan), each.targets()));
                    if (each.tenon().equals(constant)) {
                        switches = (double) (constants.voluntarySwitches() - waited)
                                / (echo.voluntarySwitches() - echoWaited);
                    }
                }
            }
            long used = daemon.resident();
            TimeUnit.SECONDS.sleep(IDLE_SECONDS);
            return new Result(comparisons, switches, fresh, used, daemon.resident());
        }
    }

    static Comparison compare(Case each, Path echo, Plan plan) throws IOException, InterruptedException {
        Map<String, Series> series = PerlProgram.measure(
                "calls.pl",
                Map.of(
                        "method", each.method(),
                        "args", each.args(),
                        "peers", Map.of("tenon", each.tenon().toString(), "echo", echo.toString()),
                        "warmup", plan.warmup(),
                        "blocks", plan.blocks(),
                        "block", plan.block()));
        return Comparison.of(each.what(), series, "tenon", "echo");
    }
}
