package dev.tenon.web;

import dev.tenon.bridge.serve.Overview;
import dev.tenon.core.spi.StorageException;
import dev.tenon.host.Host;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The page of a daemon. What it says is behind a token; the page itself, which is empty without one, and {@code /healthz}
 * are not. It has nothing that can be changed.
 */
public final class WebPage implements AutoCloseable {
    private static final Duration MINUTE = Duration.ofMinutes(1);

    /** To make them takes a while, and keeps what is compared waiting. */
    private static final Duration COMPARISONS = Duration.ofSeconds(5);

    private static final int USUAL_PORT = 80;

    /** A name of DNS has 253 letters, and a port 6 with its colon. */
    private static final int LONGEST_HOST = 260;

    private static final Map<String, String> FILES = Map.of(
            "page.html", "text/html; charset=utf-8",
            "page.js", "text/javascript; charset=utf-8",
            "page.css", "text/css; charset=utf-8",
            "icon.svg", "image/svg+xml");
    private static final Response BUSY =
            Response.busy("the answer is not there yet; something that it needs does not answer");

    private final WebSettings settings;
    private final Map<String, Response> files = new HashMap<>();
    private final StateDocument state;
    private final Metrics metrics;
    private final Volumes volumes;
    private final Reports reports;
    private final SharedWork documents =
            new SharedWork("web-document", 4, Duration.ofSeconds(1), Duration.ofSeconds(10));
    private final SharedWork lists = new SharedWork("web-list", 4, Duration.ofSeconds(2), Duration.ofSeconds(30));

    /** Reports are large: two are read at a time, and none is kept. */
    private final SharedWork reading = new SharedWork("web-report", 2, Duration.ZERO, Duration.ofSeconds(10));

    private final Set<String> names = new HashSet<>();
    private final HttpListener listener;

    private WebPage(WebSettings settings, Node node) throws IOException {
        this.settings = settings;
        this.reports = new Reports(settings.reports(), settings.token());
        this.state = new StateDocument(node, reports);
        this.metrics = new Metrics(node);
        this.volumes = new Volumes(node);
        for (Map.Entry<String, String> file : FILES.entrySet()) {
            files.put("/" + file.getKey(), Response.of(file.getValue(), resource(file.getKey())));
        }
        files.put("/", Response.of("text/html; charset=utf-8", resource("page.html")));
        settings.names().forEach(name -> names.add(name.toLowerCase(Locale.ROOT)));
        listener = new HttpListener(settings.address(), this::answer);
        if (listener.address() instanceof WebAddress.Tcp tcp) {
            names.add(tcp.name());
            if (tcp.isLocal()) {
                names.add("localhost:" + tcp.port());
            }
            if (tcp.port() == USUAL_PORT) {
                names.addAll(names.stream()
                        .map(name -> name.replaceFirst(":80$", ""))
                        .toList());
            }
        }
        listener.begin();
        // Recent calls are those of the last minutes even if nobody looks.
        listener.every(MINUTE, () -> node.observation().calls().rows());
    }

    /**
     * Begins to answer.
     *
     * @param host whose storages are shown; nobody starts further plugins there
     * @param observation of the plugins that the daemon serves
     * @param overview of the daemon
     * @param comparisons of old plugins with new ones
     * @throws IOException if the address cannot be had; the message says why
     */
    public static WebPage open(
            WebSettings settings,
            Host host,
            Observation observation,
            Supplier<Overview> overview,
            Supplier<List<SeenComparison>> comparisons)
            throws IOException {
        return new WebPage(settings, new Node(host, observation, overview, new Remembered<>(comparisons, COMPARISONS)));
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = WebPage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("the page lacks its file '" + name + "'");
            }
            return in.readAllBytes();
        }
    }

    /** Where it listens, with the port that it got. */
    public WebAddress address() {
        return listener.address();
    }

    private Response answer(Request request) {
        if (!isOurs(request.header("host"))) {
            return Response.text(
                    Response.FORBIDDEN,
                    "the page is not known by this name; --web-name tells the daemon further names of it");
        }
        Response file = files.get(request.path());
        if (file != null) {
            return file;
        }
        if (request.path().equals("/healthz")) {
            return Response.text(Response.OK, "ok");
        }
        if (request.path().startsWith(Reports.PREFIX) && reports.isSealed(request)) {
            return shared(reading, request.path(), () -> reports.file(request.path()));
        }
        String authorization = request.header("authorization");
        if (authorization == null || !settings.token().isIn(authorization)) {
            return Response.text(Response.UNAUTHORIZED, "the token of the page is needed (Authorization: Bearer TOKEN)")
                    .with("WWW-Authenticate", "Bearer realm=\"tenon\"");
        }
        return switch (request.path()) {
            case "/state" -> shared(documents, "/state", made(() -> Response.of("application/json", state.bytes())));
            case "/metrics" -> shared(documents, "/metrics", made(() -> Response.of(Metrics.TYPE, metrics.bytes())));
            case "/volumes" -> volumes(request.query().getOrDefault("storage", ""));
            case String path when path.startsWith(Reports.PREFIX) -> shared(reading, path, () -> reports.file(path));
            default -> Response.text(Response.NOT_FOUND, "there is no such page");
        };
    }

    private Response volumes(String storage) {
        return made(() -> {
                    Optional<Response> refusal = volumes.refusal(storage);
                    return refusal.isPresent()
                            ? refusal.get()
                            : shared(lists, storage, made(() -> volumes.of(storage)));
                })
                .get();
    }

    /** A page of somebody else whose name leads here must not become ours. Nobody's name leads to a Unix socket. */
    private boolean isOurs(@Nullable String host) {
        return settings.address() instanceof WebAddress.Unix
                || (host != null
                        && host.length() <= LONGEST_HOST
                        && (names.contains(host.toLowerCase(Locale.ROOT)) || isAddress(host)));
    }

    /** An address has several spellings, of which a browser chooses one. */
    private boolean isAddress(String host) {
        try {
            return WebAddress.of(host.matches(".*:[0-9]+") ? host : host + ":" + USUAL_PORT)
                    .equals(listener.address());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static Response shared(SharedWork work, String key, Supplier<Response> maker) {
        return work.result(key, maker).orElse(BUSY);
    }

    @FunctionalInterface
    private interface Maker {
        Response make() throws IOException;
    }

    private static Supplier<Response> made(Maker maker) {
        return () -> {
            try {
                return maker.make();
            } catch (IOException | StorageException e) {
                return Response.text(Response.FAILED, String.valueOf(e.getMessage()));
            }
        };
    }

    @Override
    public void close() {
        listener.close();
        documents.close();
        lists.close();
        reading.close();
    }
}
