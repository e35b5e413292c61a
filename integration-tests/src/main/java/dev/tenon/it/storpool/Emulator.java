package dev.tenon.it.storpool;

import com.fasterxml.jackson.jr.ob.JSON;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A cluster that listens on the loopback address. Its calls and fields are those that PVE's plugin uses; all others are
 * refused. {@code POST /emulator/faults} with {@code {"fault":"slow","call":"VolumeCreate","times":1,"millis":60000}} makes
 * calls go wrong, {@code DELETE /emulator/faults} ends that.
 */
public final class Emulator implements Closeable {
    private static final String BASE = "/ctrl/1.0/";
    private static final String FAULTS = "/emulator/faults";
    private static final int OK = 200;
    private static final int FORBIDDEN = 403;
    private static final int SERVER_ERROR = 500;

    static {
        // Without this, every answer waits for the client's delayed acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private final HttpServer server;
    private final ExecutorService threads;
    private final String token;
    private final Cluster cluster;
    private final Faults faults = new Faults();
    private final AtomicLong requests = new AtomicLong();

    private Emulator(HttpServer server, ExecutorService threads, String token, Cluster cluster) {
        this.server = server;
        this.threads = threads;
        this.token = token;
        this.cluster = cluster;
    }

    /**
     * Starts one.
     *
     * @param port 0 for any
     * @param directory where the bytes of its volumes and its devices are
     * @param token what clients must know
     */
    public static Emulator start(int port, Path directory, String token, Set<String> templates) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        ExecutorService threads = Executors.newCachedThreadPool(
                Thread.ofPlatform().daemon().name("storpool-", 0).factory());
        Emulator emulator = new Emulator(server, threads, token, new Cluster(new Devices(directory), templates));
        server.setExecutor(threads);
        server.createContext("/", emulator::answer);
        server.start();
        return emulator;
    }

    public int port() {
        return server.getAddress().getPort();
    }

    public Cluster cluster() {
        return cluster;
    }

    public Faults faults() {
        return faults;
    }

    /** How many requests there have been. */
    public long requests() {
        return requests.get();
    }

    /**
     * Writes a program that stands for {@code storpool_confget} on a node.
     *
     * @param directory gets the program
     * @param client the node's id
     * @param more further settings
     * @return the program
     */
    public Path confget(Path directory, int client, String token, Map<String, String> more) throws IOException {
        Files.createDirectories(directory);
        StringBuilder text = new StringBuilder("#!/bin/sh\ncat <<'END'\n");
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("SP_API_HTTP_HOST", "127.0.0.1");
        settings.put("SP_API_HTTP_PORT", Integer.toString(port()));
        settings.put("SP_AUTH_TOKEN", token);
        settings.put("SP_OURID", Integer.toString(client));
        settings.putAll(more);
        settings.forEach(
                (name, value) -> text.append(name).append('=').append(value).append('\n'));
        Path program = directory.resolve("storpool_confget");
        Files.writeString(program, text.append("END\n"));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        return program;
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (path.equals(FAULTS)) {
                send(exchange, OK, settingFaults(exchange.getRequestMethod(), body));
                return;
            }
            requests.incrementAndGet();
            String[] words =
                    path.startsWith(BASE) ? path.substring(BASE.length()).split("/", 2) : new String[] {"", path};
            answer(exchange, words[0], words.length > 1 ? words[1] : "", body);
        }
    }

    private void answer(HttpExchange exchange, String call, String subject, byte[] body) throws IOException {
        if (!("Storpool v1:" + token).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            send(exchange, FORBIDDEN, json(error("authenticationFailed", "invalid authentication token")));
            return;
        }
        if (faults.take(call, Faults.Kind.ERROR).isPresent()) {
            send(exchange, SERVER_ERROR, "<html>out of order</html>".getBytes(StandardCharsets.UTF_8));
            return;
        }
        byte[] answer = json(called(exchange.getRequestMethod(), call, subject, body));
        Optional<Faults.Fault> slow = faults.take(call, Faults.Kind.SLOW);
        if (slow.isPresent()) {
            try {
                faults.delay(slow.get());
            } catch (InterruptedException e) {
                return;
            }
        }
        if (faults.take(call, Faults.Kind.LOST).isPresent()) {
            return; // the connection is closed
        }
        if (faults.take(call, Faults.Kind.CUT).isPresent()) {
            exchange.sendResponseHeaders(OK, answer.length);
            exchange.getResponseBody().write(answer, 0, answer.length / 2);
            exchange.getResponseBody().flush();
            return;
        }
        send(exchange, OK, answer);
    }

    private Map<String, Object> called(String method, String call, String subject, byte[] body) {
        try {
            Map<String, Object> answer = new LinkedHashMap<>();
            Object data = switch (method) {
                case "GET" -> {
                    if (body.length > 0) {
                        throw ApiError.invalid("a GET has no body");
                    }
                    yield api().get(call, subject);
                }
                case "POST" -> api().post(call, subject, parsed(body));
                default -> throw ApiError.invalid("there is no method " + method);
            };
            answer.put("generation", cluster.generation());
            answer.put("data", data);
            return answer;
        } catch (ApiError e) {
            return error(e.name(), String.valueOf(e.getMessage()));
        }
    }

    private Api api() {
        return new Api(cluster, faults);
    }

    private static Map<String, Object> error(String name, String description) {
        return Map.of("error", Map.of("name", name, "descr", description));
    }

    private byte[] settingFaults(String method, byte[] body) throws IOException {
        if (method.equals("DELETE")) {
            faults.clear();
            return json(Map.of("ok", true));
        }
        try {
            Body fault = Body.of(parsed(body)).only("fault", "call", "times", "millis");
            faults.add(new Faults.Fault(
                    Faults.Kind.ofWord(String.valueOf(fault.fields().get("fault"))),
                    fault.has("call") ? String.valueOf(fault.fields().get("call")) : null,
                    fault.fields().get("times") instanceof Number times ? times.intValue() : 1,
                    fault.fields().get("millis") instanceof Number millis ? millis.longValue() : 0));
            return json(Map.of("ok", true));
        } catch (ApiError e) {
            return json(error(e.name(), String.valueOf(e.getMessage())));
        }
    }

    private static @Nullable Object parsed(byte[] body) {
        try {
            return body.length == 0 ? null : JSON.std.anyFrom(body);
        } catch (IOException e) {
            throw ApiError.invalid("the request is no JSON");
        }
    }

    private static byte[] json(Object value) throws IOException {
        return JSON.std.asBytes(value);
    }

    private static void send(HttpExchange exchange, int status, byte[] answer) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, answer.length);
        exchange.getResponseBody().write(answer);
    }

    @Override
    public void close() {
        faults.clear();
        server.stop(0);
        threads.shutdownNow();
    }
}
