package dev.tenon.it.support;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A real Chromium without a window, with one page, driven over its DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol).
 */
public final class Browser implements Closeable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final HttpClient client = HttpClient.newHttpClient();
    private final Process process;
    private final WebSocket socket;
    private final AtomicInteger numbers = new AtomicInteger();
    private final Map<Integer, CompletableFuture<Map<String, Object>>> asked = new ConcurrentHashMap<>();
    private final List<String> complaints = Collections.synchronizedList(new ArrayList<>());

    /** Starts one. Skips the test where Chromium is not installed. */
    public static Browser start(Scratch scratch) {
        Path program = Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(program != null, "Chromium is not installed");
        try {
            return scratch.closing(new Browser(scratch, String.valueOf(program)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Browser(Scratch scratch, String program) throws IOException {
        Path profile = Files.createDirectory(scratch.file("browser"));
        ProcessBuilder builder = new ProcessBuilder(
                        "setpriv", // which ends it with this JVM, however that ends
                        "--pdeathsig",
                        "KILL",
                        program,
                        "--headless=new",
                        "--no-sandbox", // which root has no use for
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--no-first-run",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectErrorStream(true)
                .redirectOutput(scratch.file("browser.log").toFile())
                .redirectInput(new File("/dev/null"));
        builder.environment().put("HOME", profile.toString());
        builder.environment().put("TMPDIR", profile.toString());
        process = started(builder);
        Path port = profile.resolve("DevToolsActivePort");
        try {
            Awaitility.await("Chromium")
                    .atMost(LIMIT)
                    .pollInterval(Duration.ofMillis(20))
                    .failFast("Chromium has ended", () -> !process.isAlive())
                    .until(() -> Files.exists(port) && Files.readString(port).contains("\n"));
            String number = Files.readAllLines(port).getFirst();
            String pages = client.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + number + "/json/list"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            String address = JSON.std.listFrom(pages).stream()
                    .map(page -> (Map<?, ?>) page)
                    .filter(page -> "page".equals(page.get("type")))
                    .map(page -> String.valueOf(page.get("webSocketDebuggerUrl")))
                    .findFirst()
                    .orElseThrow();
            socket = client.newWebSocketBuilder()
                    .buildAsync(URI.create(address), new Listener())
                    .get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            kill();
            throw new IOException("Chromium does not answer", e);
        } catch (IOException | RuntimeException e) {
            kill();
            throw e;
        }
        call("Page.enable");
        call("Runtime.enable");
        call("Log.enable");
    }

    /** The signal comes when the thread ends that started it, which therefore waits for it. */
    private static Process started(ProcessBuilder builder) throws IOException {
        CompletableFuture<Process> started = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("browser").start(() -> {
            try {
                Process process = builder.start();
                started.complete(process);
                process.waitFor();
            } catch (IOException e) {
                started.completeExceptionally(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            return started.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IOException("Chromium does not start", e);
        }
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean isLast) {
            text.append(data);
            if (isLast) {
                take(text.toString());
                text.setLength(0);
            }
            from.request(1);
            return null;
        }
    }

    private void take(String message) {
        try {
            Map<String, Object> said = JSON.std.mapFrom(message);
            if (said.get("id") instanceof Integer id) {
                CompletableFuture<Map<String, Object>> answer = asked.remove(id);
                if (answer != null) {
                    answer.complete(said);
                }
            } else if ("Log.entryAdded".equals(said.get("method"))
                    || "Runtime.exceptionThrown".equals(said.get("method"))) {
                complaints.add(message);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Calls a method of the protocol; parameters are keys and values in turn. */
    public Map<?, ?> call(String method, Object... parameters) {
        return call(LIMIT, method, parameters);
    }

    private Map<?, ?> call(Duration limit, String method, Object... parameters) {
        Map<String, Object> params = new LinkedHashMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            params.put(String.valueOf(parameters[i]), parameters[i + 1]);
        }
        int number = numbers.incrementAndGet();
        CompletableFuture<Map<String, Object>> answer = new CompletableFuture<>();
        asked.put(number, answer);
        try {
            var _ = socket.sendText(JSON.std.asString(Map.of("id", number, "method", method, "params", params)), true)
                    .get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            Map<String, Object> said = answer.get(limit.toSeconds(), TimeUnit.SECONDS);
            if (!(said.get("result") instanceof Map<?, ?> result)) {
                throw new AssertionError(method + ": " + said);
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException(method, e);
        }
    }

    /** Goes to an address, and waits until it has been loaded. */
    public void open(String address) {
        call("Page.navigate", "url", "about:blank");
        call("Page.navigate", "url", address);
        await("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /** What an expression, or its promise, comes to. */
    public @Nullable Object value(String expression) {
        return value(expression, LIMIT);
    }

    /** The same of one that takes long. */
    public @Nullable Object value(String expression, Duration limit) {
        Map<?, ?> said =
                call(limit, "Runtime.evaluate", "expression", expression, "awaitPromise", true, "returnByValue", true);
        if (said.containsKey("exceptionDetails")) {
            throw new AssertionError(expression + ": " + said.get("exceptionDetails"));
        }
        return said.get("result") instanceof Map<?, ?> result ? result.get("value") : null;
    }

    /** Waits until an expression is true. */
    public void await(String expression) {
        Awaitility.await(expression)
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(30))
                .until(() -> Boolean.TRUE.equals(value(expression)));
    }

    /** Presses a key, which is {@code Enter}, {@code Tab}, {@code Escape} or one of its name. */
    public void press(String key, int code) {
        String text = key.equals("Enter") ? "\r" : "";
        call("Input.dispatchKeyEvent", "type", "keyDown", "key", key, "windowsVirtualKeyCode", code, "text", text);
        call("Input.dispatchKeyEvent", "type", "keyUp", "key", key, "windowsVirtualKeyCode", code);
    }

    /** Types what goes to whatever has the focus. */
    public void type(String text) {
        call("Input.insertText", "text", text);
    }

    /** How wide the window is, in CSS pixels, and whether colours are dark. */
    public void look(int width, int height, boolean isDark) {
        call(
                "Emulation.setDeviceMetricsOverride",
                "width",
                width,
                "height",
                height,
                "deviceScaleFactor",
                1,
                "mobile",
                width < 600);
        call(
                "Emulation.setEmulatedMedia",
                "features",
                List.of(Map.of("name", "prefers-color-scheme", "value", isDark ? "dark" : "light")));
    }

    /** A picture of the page, to be looked at, if {@code tenon.screenshots} names a directory for it. */
    public void picture(String name) {
        String directory = System.getProperty("tenon.screenshots");
        if (directory != null) {
            try {
                Files.write(
                        Files.createDirectories(Path.of(directory)).resolve(name + ".png"),
                        Base64.getDecoder()
                                .decode(String.valueOf(call("Page.captureScreenshot", "format", "png")
                                        .get("data"))));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** What the browser has complained of: scripts that failed, and what a policy or the network refused. */
    public List<String> complaints() {
        return List.copyOf(complaints);
    }

    private void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        client.shutdownNow();
    }

    @Override
    public void close() throws IOException {
        List<ProcessHandle> all = process.descendants().toList();
        socket.abort();
        client.shutdownNow();
        process.destroy();
        try {
            if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                kill();
            }
            for (ProcessHandle one : all) {
                one.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            }
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            all.forEach(ProcessHandle::destroyForcibly);
            throw new IOException("Chromium does not end", e);
        }
    }
}
