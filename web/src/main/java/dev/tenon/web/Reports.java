package dev.tenon.web;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports that commands and the daemon have written. A browser cannot send the token with a link, so each link has a seal that
 * opens this file, for a while.
 */
final class Reports {
    static final String PREFIX = "/reports/";

    private static final Logger LOG = LoggerFactory.getLogger(Reports.class);
    private static final String PAGE = "report.html";
    private static final Map<String, String> FILES = Map.of(
            PAGE, "text/html; charset=utf-8", "report.json", "application/json", "report.xml", "application/xml");
    private static final int MOST = 200;
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final long LONGEST = 4L << 20;
    private static final long SEAL_SECONDS = 600;
    private static final long MILLIS = 1000;

    /** Nothing of a report runs, or is more than a picture of itself. */
    private static final String POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

    private final List<Path> roots;

    /** A directory may be on a file system that hangs, which is nothing to the others. */
    private final List<LastKnown<List<Found>>> known = new ArrayList<>();

    private final WebToken token;

    Reports(List<Path> roots, WebToken token) {
        this.roots = roots.stream().map(Path::toAbsolutePath).toList();
        this.token = token;
        for (int i = 0; i < this.roots.size(); i++) {
            Path root = this.roots.get(i);
            String place = PREFIX + i + "/";
            known.add(new LastKnown<>("web-reports", () -> found(root, place), List.of(), PATIENCE));
        }
    }

    private record Found(Path directory, String place, String name, long time, List<String> files) {}

    /** Those that there are, the newest first. What a directory that does not answer had last is among them. */
    List<Map<String, Object>> listed() {
        // The same for some minutes, so that a link stays while somebody moves to it.
        long until = (System.currentTimeMillis() / MILLIS / SEAL_SECONDS + 2) * SEAL_SECONDS;
        return known.stream()
                .flatMap(directory -> directory.get().stream())
                .sorted(Comparator.comparingLong(Found::time).reversed())
                .limit(MOST)
                .map(report -> {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("name", report.name());
                    row.put("place", report.directory().toString());
                    row.put("time", report.time());
                    Map<String, String> links = new LinkedHashMap<>();
                    for (String file : report.files()) {
                        String path = report.place() + file;
                        links.put(file, encoded(path) + "?until=" + until + "&seal=" + token.seal(until + path));
                    }
                    row.put("links", links);
                    return row;
                })
                .toList();
    }

    private static String encoded(String path) {
        StringBuilder encoded = new StringBuilder();
        for (String part : path.substring(1).split("/", -1)) {
            encoded.append('/')
                    .append(URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20"));
        }
        return encoded.toString();
    }

    private static List<Found> found(Path root, String place) {
        List<Found> found = new ArrayList<>();
        add(found, root, place, String.valueOf(root.getFileName()));
        if (!Files.isDirectory(root)) {
            return found;
        }
        try (DirectoryStream<Path> children = Files.newDirectoryStream(root)) {
            for (Path child : children) {
                String name = String.valueOf(child.getFileName());
                if (Files.isDirectory(child, LinkOption.NOFOLLOW_LINKS)) {
                    add(found, child, place + name + "/", name);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.debug("event=web-reports-unreadable directory={} reason=\"{}\"", root, e.getMessage());
        }
        return found;
    }

    private static void add(List<Found> found, Path directory, String place, String name) {
        Path page = directory.resolve(PAGE);
        try {
            if (isFile(page)) {
                found.add(new Found(
                        directory,
                        place,
                        name,
                        Files.getLastModifiedTime(page, LinkOption.NOFOLLOW_LINKS)
                                        .toMillis()
                                / MILLIS,
                        Stream.of(PAGE, "report.json", "report.xml")
                                .filter(file -> isFile(directory.resolve(file)))
                                .toList()));
            }
        } catch (IOException e) {
            LOG.debug("event=web-report-gone file={} reason=\"{}\"", page, e.getMessage());
        }
    }

    private static boolean isFile(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
    }

    /** Whether the address has a seal of ours, which has not expired. */
    boolean isSealed(Request request) {
        String until = request.query().getOrDefault("until", "");
        return until.matches("[0-9]{1,12}")
                && Long.parseLong(until) * MILLIS >= System.currentTimeMillis()
                && token.isSealOf(until + request.path(), request.query().getOrDefault("seal", ""));
    }

    /** The number of the directory that an address names, -1 if there is none. */
    private int root(String path) {
        String number = path.substring(PREFIX.length(), Math.max(PREFIX.length(), path.indexOf('/', PREFIX.length())));
        return number.matches("[0-9]{1,4}") && Integer.parseInt(number) < roots.size() ? Integer.parseInt(number) : -1;
    }

    /** The file of a report. */
    Response file(String path) {
        int slash = path.lastIndexOf('/');
        String name = path.substring(slash + 1);
        String type = FILES.get(name);
        int root = root(path);
        if (root >= 0 && known.get(root).isLate()) {
            return Response.busy("the directory '" + roots.get(root) + "' of the report does not answer");
        }
        Optional<Path> directory = type == null || root < 0
                ? Optional.empty()
                : found(roots.get(root), PREFIX + root + "/").stream()
                        .filter(report -> report.place().equals(path.substring(0, slash + 1)))
                        .map(Found::directory)
                        .findFirst();
        if (directory.isEmpty()) {
            return Response.text(Response.NOT_FOUND, "there is no such report");
        }
        try (SeekableByteChannel file = Files.newByteChannel(
                directory.get().resolve(name), Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
            if (file.size() > LONGEST) {
                return Response.text(
                        Response.FAILED, "the report is too long for the page; read it in '" + directory.get() + "'");
            }
            byte[] bytes = Channels.newInputStream(file).readNBytes((int) LONGEST);
            return Response.of(String.valueOf(type), bytes)
                    .with("Content-Security-Policy", POLICY)
                    .large();
        } catch (IOException e) {
            return Response.text(Response.NOT_FOUND, "the report cannot be read: " + e.getMessage());
        }
    }
}
