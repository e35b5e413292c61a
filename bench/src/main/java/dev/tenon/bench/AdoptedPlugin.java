package dev.tenon.bench;

import dev.tenon.bridge.codec.PositionalCalls;
import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.host.Home;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Perl program calls a Perl plugin that moved behind the daemon, and the same plugin in its own process; and an echo,
 * twice for each call, since the call crosses twice.
 */
final class AdoptedPlugin {
    private static final String METHOD = "volume_size_info";
    private static final String CONSTANT = "constant";

    private AdoptedPlugin() {}

    /**
     * What was measured.
     *
     * @param own beside the plugin in its own process
     * @param echoes beside two echoes, one after the other
     * @param switches how often the daemon waited for each time that the echo did
     */
    record Result(List<Comparison> own, Comparison echoes, double switches) {}

    static Result run(Scratch scratch, Plan plan) throws IOException, InterruptedException {
        Path control = scratch.file("adopting.sock");
        Path constant = PerlProgram.file("ConstantPlugin.pm");
        Path legacy = Home.perlShim().resolve("examples/LegacyDirPlugin.pm");
        Map<String, Object> config = Map.of(
                "type",
                "dir",
                "path",
                scratch.storage().toString(),
                "content",
                Map.of("images", "1"),
                "legacydir-quiet",
                "1");
        try (JavaProcess daemon = JavaProcess.daemon(scratch, control, constant, legacy)) {
            List<Object> args = List.of(config, "bench", Scratch.QCOW2, 5);
            Path answer = Files.write(
                    scratch.file("adopted-answer"),
                    RecordedResult.of(
                            control,
                            CONSTANT,
                            METHOD,
                            PositionalCalls.params(
                                    StorageApi.API, StorageApi.API.table().method(METHOD), args, CONSTANT)));
            Path socket = scratch.file("adopted-echo");
            List<Comparison> own = new ArrayList<>();
            Comparison echoes;
            double switches;
            String what = "volume_size_info, constants";
            try (JavaProcess echo = JavaProcess.start(
                    EchoServer.class,
                    List.of(socket.toString(), answer.toString(), EchoServer.NOTHING),
                    List.of(socket),
                    scratch.file("adopted-echo.log"))) {
                long waited = daemon.voluntarySwitches();
                long echoWaited = echo.voluntarySwitches();
                Map<String, Series> series = compare(constant, CONSTANT, control, socket, args, plan);
                switches = (double) (daemon.voluntarySwitches() - waited) / (echo.voluntarySwitches() - echoWaited);
                own.add(Comparison.of(what, series, "adopted", "own"));
                echoes = Comparison.of(what, series, "adopted", "echoes");
            }
            if (System.getenv("TENON_PVE_LIB") != null) {
                // It runs qemu-img, so a tenth of the calls takes as long. Its base class in a process is PVE's own.
                Plan fewer = new Plan(plan.block() / 10, plan.blocks(), Math.max(1, plan.block() / 10));
                own.add(Comparison.of(
                        "volume_size_info, qcow2 file",
                        compare(legacy, "legacydir", control, null, args, fewer),
                        "adopted",
                        "own"));
            }
            return new Result(own, echoes, switches);
        }
    }

    private static Map<String, Series> compare(
            Path plugin, String type, Path socket, @Nullable Path echo, List<Object> args, Plan plan)
            throws IOException, InterruptedException {
        return PerlProgram.measure(
                "adopted.pl",
                Map.of(
                        "plugin", plugin.toString(),
                        "type", type,
                        "socket", socket.toString(),
                        "echo", echo == null ? "" : echo.toString(),
                        "args", args,
                        "warmup", plan.warmup(),
                        "blocks", plan.blocks(),
                        "block", plan.block()),
                Home.perlShim().resolve("compat").toString());
    }
}
