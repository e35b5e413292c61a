package dev.tenon.core.storage.common;

import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a file of Ceph says: its configuration, or a keyring, which looks the same.
 *
 * @param sections key to value by section; blanks in keys are underscores
 */
public record CephCluster(Map<String, Map<String, String>> sections) {
    private static final Pattern SECTION = Pattern.compile("\\s*\\[([^]]+)].*");
    private static final Pattern ENTRY = Pattern.compile("\\s*([^=\\[#;]+?)\\s*=\\s*(.*?)\\s*");
    private static final Pattern COMMENT = Pattern.compile("(?<!\\\\)[#;].*$");
    private static final Pattern HOST = Pattern.compile("([0-9A-Za-z.\\-]+)(?::(\\d+))?");
    private static final Pattern BRACKETED_HOST = Pattern.compile("\\[([0-9A-Fa-f:.]+)](?::(\\d+))?");
    private static final Pattern IPV6_HOST = Pattern.compile("([0-9A-Fa-f]*:[0-9A-Fa-f:]*)(?:\\.(\\d+))?");

    /**
     * Reads a file; one that does not exist says nothing.
     *
     * @throws StorageException {@code BAD_CONFIG} if it cannot be read
     */
    public static CephCluster read(Path file) {
        try {
            return Files.isRegularFile(file) ? parse(Files.readString(file)) : new CephCluster(Map.of());
        } catch (IOException e) {
            throw new StorageException(
                    StorageError.BAD_CONFIG,
                    Outcome.NOT_STARTED,
                    "unable to read '" + file + "': " + e.getMessage(),
                    e);
        }
    }

    static CephCluster parse(String text) {
        Map<String, Map<String, String>> sections = new LinkedHashMap<>();
        Map<String, String> section = new LinkedHashMap<>();
        for (String line : text.replace("\\\n", "").split("\n", -1)) {
            String content = COMMENT.matcher(line).replaceFirst("");
            Matcher header = SECTION.matcher(content);
            Matcher entry = ENTRY.matcher(content);
            if (header.matches()) {
                section = sections.computeIfAbsent(header.group(1), name -> new LinkedHashMap<>());
            } else if (entry.matches()) {
                section.put(entry.group(1).replaceAll("\\s+", "_"), withoutQuotes(entry.group(2)));
            }
        }
        return new CephCluster(sections);
    }

    private static String withoutQuotes(String value) {
        boolean isQuoted = value.length() >= 2
                && (value.startsWith("\"") || value.startsWith("'"))
                && value.charAt(0) == value.charAt(value.length() - 1);
        return isQuoted ? value.substring(1, value.length() - 1) : value;
    }

    /** The value of a key in a section. */
    public Optional<String> value(String section, String key) {
        return Optional.ofNullable(sections.getOrDefault(section, Map.of()).get(key));
    }

    /** The monitors of the cluster, for a mount; empty if none are named. */
    public String monitors() {
        TreeSet<String> monitors = new TreeSet<>();
        for (String item : value("global", "mon_host").orElse("").split("[ ,;]+", -1)) {
            // a vector of addresses: [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]
            String address = item.replaceFirst("^\\[?v\\d:", "").replaceFirst("/\\d+]?", "");
            host(address).ifPresent(monitors::add);
        }
        sections.forEach((name, entries) -> {
            if (name.startsWith("mon.") && entries.containsKey("mon_addr")) {
                monitors.add(entries.get("mon_addr"));
            }
        });
        return String.join(",", monitors);
    }

    /** A list of monitors as a storage is configured with, for a mount. */
    public static String monitors(String list) {
        return String.join(",", hosts(list));
    }

    /** The monitors of such a list, each with its port if that is given; addresses of IPv6 are in brackets. */
    public static List<String> hosts(String list) {
        return Stream.of(list.split("[,;\\s]+", -1))
                .map(CephCluster::host)
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<String> host(String text) {
        for (Pattern pattern : new Pattern[] {HOST, BRACKETED_HOST, IPV6_HOST}) {
            Matcher matcher = pattern.matcher(text);
            if (matcher.matches()) {
                String host = matcher.group(1).indexOf(':') < 0 ? matcher.group(1) : "[" + matcher.group(1) + "]";
                return Optional.of(matcher.group(2) == null ? host : host + ":" + matcher.group(2));
            }
        }
        return Optional.empty();
    }
}
