package dev.tenon.it.web;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.tenon.it.support.DaemonProcess;
import dev.tenon.it.support.Scratch;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/** A daemon with a page, whose storages are those of a configuration. */
final class ShownDaemon {
    private static final Pattern ADDRESS = Pattern.compile("event=web address=127\\.0\\.0\\.1:([0-9]+) ");

    private final DaemonProcess daemon;
    private final Path tokenFile;
    private final int port;

    /** An answer of the page. */
    record Answer(int status, Map<String, String> headers, String body) {
        Map<String, Object> json() {
            try {
                return JSON.std.mapFrom(body);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Starts one. */
    static ShownDaemon start(Scratch scratch, String config, String... more) {
        try {
            Path file = Files.writeString(scratch.file("storage.cfg"), config);
            Path token = scratch.file("token");
            List<String> options = new ArrayList<>(List.of(
                    "--adopted",
                    scratch.file("nothing-adopted").toString(),
                    "--config",
                    file.toString(),
                    "--web",
                    "127.0.0.1:0",
                    "--web-token",
                    token.toString()));
            options.addAll(List.of(more));
            return new ShownDaemon(DaemonProcess.startWith(scratch, options), token);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ShownDaemon(DaemonProcess daemon, Path tokenFile) {
        this.daemon = daemon;
        this.tokenFile = tokenFile;
        daemon.awaitListening();
        Matcher address = ADDRESS.matcher(daemon.log());
        if (!address.find()) {
            throw new AssertionError(daemon.log());
        }
        port = Integer.parseInt(address.group(1));
    }

    DaemonProcess daemon() {
        return daemon;
    }

    int port() {
        return port;
    }

    String token() {
        try {
            return Files.readString(tokenFile).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String address() {
        return "http://127.0.0.1:" + port + "/";
    }

    Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
        socket.setSoTimeout(60_000);
        return socket;
    }

    /** What the page answers to these lines. */
    Answer ask(String... lines) {
        try (Socket socket = connect()) {
            socket.getOutputStream()
                    .write((String.join("\r\n", lines) + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            return read(socket.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Answer read(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        in.transferTo(all);
        String text = all.toString(StandardCharsets.UTF_8);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            throw new IOException("no answer of HTTP: '" + text + "'");
        }
        BufferedReader head = new BufferedReader(new StringReader(text.substring(0, end)));
        int status = Integer.parseInt(head.readLine().split(" ", -1)[1]);
        Map<String, String> headers = head.lines()
                .map(line -> line.split(": ", 2))
                .collect(Collectors.toMap(
                        line -> line[0].toLowerCase(Locale.ROOT), line -> line[1], (a, b) -> a, TreeMap::new));
        return new Answer(status, headers, text.substring(end + 4));
    }

    /** What somebody gets who knows the token. */
    Answer get(String path) {
        return ask("GET " + path + " HTTP/1.1", "Host: 127.0.0.1:" + port, "Authorization: Bearer " + token());
    }

    /** The same of somebody who does not. */
    Answer getUnknown(String path) {
        return ask("GET " + path + " HTTP/1.1", "Host: 127.0.0.1:" + port);
    }

    /** What the page says of a storage. */
    Map<?, ?> storage(String id) {
        if (get("/state").json().get("storages") instanceof List<?> storages) {
            return storages.stream()
                    .map(row -> (Map<?, ?>) row)
                    .filter(row -> id.equals(row.get("id")))
                    .findFirst()
                    .orElseThrow();
        }
        throw new AssertionError("no storages");
    }

    /** Waits until the page says this of a storage. */
    void awaitState(String id, String state) {
        Awaitility.await(id + " is " + state)
                .atMost(Duration.ofSeconds(60))
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> state.equals(storage(id).get("state")));
    }
}
