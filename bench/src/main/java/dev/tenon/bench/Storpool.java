package dev.tenon.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tenon.core.spi.ImageFilter;
import dev.tenon.core.spi.OperationCache;
import dev.tenon.core.spi.Storage;
import dev.tenon.core.spi.StorageStatus;
import dev.tenon.core.storage.block.storpool.StorpoolHost;
import dev.tenon.core.storage.block.storpool.StorpoolPlugin;
import dev.tenon.host.Home;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Listings of a StorPool cluster, by Tenon and by StorPool's own plugin in a Perl process of its own, on one answer that was
 * made before. Tenon gets it over HTTP; the plugin gets it over HTTP in one line of the table, and in the other at once.
 */
final class Storpool {
    /** The most that the ratio may be: the native storage is at least eight times as fast. */
    private static final double TARGET = 0.125;

    private static final int VOLUMES = 5000;
    private static final int WARMUP = 300;
    private static final int PERL_WARMUP = 3;
    private static final int ROUNDS = 15;
    private static final int STORAGES = 20;

    private final Scratch scratch;
    private final byte[] objects = answer(Map.of("volumes", objects()));
    private final byte[] templates =
            answer(List.of(Map.of("name", "hybrid", "stored", Map.of("capacity", 1L << 44, "free", 1L << 43))));
    private final AtomicInteger requests = new AtomicInteger();

    private Storpool(Scratch scratch) throws IOException {
        this.scratch = scratch;
    }

    static void run(Scratch scratch, Report report) throws IOException, InterruptedException {
        String checkout = System.getenv("TENON_STORPOOL_PLUGIN");
        report.heading("StorPool: " + VOLUMES + " volumes listed, beside StorPool's own plugin", "perl");
        if (checkout == null || checkout.isEmpty()) {
            report.line("  NOT MEASURED: set TENON_STORPOOL_PLUGIN to a checkout of"
                    + " https://github.com/storpool/pve-storpool");
            return;
        }
        // Without this, every answer waits for the client's delayed acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        new Storpool(scratch).measure(checkout, report);
    }

    private void measure(String checkout, Report report) throws IOException, InterruptedException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::send);
        server.start();
        try {
            StorpoolPlugin plugin = new StorpoolPlugin(new StorpoolHost(
                    confget(server.getAddress().getPort()).toString(),
                    scratch.file("devices"),
                    etc(),
                    "node1",
                    StorpoolHost.Limits.USUAL));
            Storage storage =
                    Storage.of("sp", "storpool", Map.of("template", "hybrid", "content", Map.of("images", "1")));
            var _ = listings(plugin, storage, WARMUP);
            for (String from : List.of("http", "memory")) {
                Series perl = perl(checkout, from);
                Series tenon = listings(plugin, storage, ROUNDS);
                String what = from.equals("http") ? "list, answer over HTTP" : "list, Perl's answer in memory";
                report.row(new Comparison(what, tenon, perl), TARGET, Double.NaN);
            }
            int before = requests.get();
            OperationCache cache = OperationCache.create();
            for (int i = 0; i < STORAGES; i++) {
                Storage each = Storage.of("sp" + i, "storpool", Map.of("template", "hybrid"));
                if (!(plugin.status(each, cache) instanceof StorageStatus.Active)) {
                    throw new IOException("storage " + each.id() + " is not active");
                }
            }
            int asked = requests.get() - before;
            report.line("  status of " + STORAGES + " storages on one cluster: " + asked + " request"
                    + (asked == 1 ? " good (1)" : "s OVER (1)"));
        } finally {
            server.stop(0);
        }
    }

    private void send(HttpExchange exchange) throws IOException {
        try (exchange) {
            requests.incrementAndGet();
            byte[] answer = exchange.getRequestURI().getPath().endsWith("VolumeTemplatesStatus") ? templates : objects;
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    private Path confget(int port) throws IOException {
        Path program = Files.createDirectories(scratch.file("bin")).resolve("storpool_confget");
        Files.writeString(
                program,
                "#!/bin/sh\ncat <<'END'\nSP_API_HTTP_HOST=127.0.0.1\nSP_API_HTTP_PORT=" + port
                        + "\nSP_AUTH_TOKEN=1\nSP_OURID=1\nEND\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return program;
    }

    private Path etc() throws IOException {
        Path etc = Files.createDirectories(scratch.file("etc"));
        Files.writeString(etc.resolve(".members"), "{\"nodename\":\"node1\",\"cluster\":{\"name\":\"lab\"}}");
        return etc;
    }

    /** A volume of each kind that a cluster has many of, and some of other clusters. */
    private static List<Map<String, Object>> objects() {
        List<Map<String, Object>> objects = new ArrayList<>();
        for (int i = 0; i < VOLUMES; i++) {
            String id = "a.b." + Integer.toString(i + 1, Character.MAX_RADIX);
            Map<String, Object> tags = new LinkedHashMap<>(Map.of(
                    "virt",
                    "pve",
                    "pve-loc",
                    "lab",
                    "pve",
                    "sp",
                    "pve-type",
                    "images",
                    "pve-vm",
                    Integer.toString(100 + i / 5),
                    "pve-disk",
                    Integer.toString(i % 5),
                    "qc",
                    "tier1"));
            boolean isSnapshot = i % 4 == 3;
            if (isSnapshot) {
                tags.put("pve-snap", "before" + i % 7);
                tags.put("pve-snap-v", "a.b." + Integer.toString(i, Character.MAX_RADIX));
            }
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("name", "~" + id);
            object.put("globalId", id);
            object.put("snapshot", isSnapshot);
            object.put("size", 34_359_738_368L);
            object.put("storedSize", 1_234_567_680L + i);
            object.put("templateName", "hybrid");
            object.put("creationTimestamp", 1_700_000_000 + i);
            object.put("tags", tags);
            objects.add(object);
        }
        return objects;
    }

    private static byte[] answer(Object data) throws IOException {
        return JSON.std.asBytes(Map.of("generation", 1, "data", data));
    }

    private static Series listings(StorpoolPlugin plugin, Storage storage, int count) throws IOException {
        Series series = new Series();
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            int listed = plugin.listImages(storage, ImageFilter.all(), OperationCache.create())
                    .size();
            series.add(new long[] {System.nanoTime() - begin});
            check(listed);
        }
        return series;
    }

    private static void check(int listed) throws IOException {
        if (listed != VOLUMES) {
            throw new IOException(listed + " volumes were listed, and there are " + VOLUMES);
        }
    }

    private Series perl(String checkout, String from) throws IOException, InterruptedException {
        Path file = Files.write(scratch.file("objects.json"), objects);
        Process program = PerlProgram.start(
                "storpool.pl",
                checkout,
                scratch.file("bin").toString(),
                file.toString(),
                from,
                Integer.toString(PERL_WARMUP),
                Integer.toString(ROUNDS),
                Home.perlShim().resolve("compat").toString());
        Series series = new Series();
        try (BufferedReader lines = program.inputReader(StandardCharsets.US_ASCII)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", -1);
                check(Integer.parseInt(words[1]));
                series.add(new long[] {Long.parseLong(words[0])});
            }
        }
        if (program.waitFor() != 0 || series.samples() == 0) {
            throw new IOException("the Perl program ended with exit status " + program.exitValue());
        }
        return series;
    }
}
