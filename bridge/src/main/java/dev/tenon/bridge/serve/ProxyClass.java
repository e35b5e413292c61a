package dev.tenon.bridge.serve;

import dev.tenon.bridge.storage.StorageApi;
import dev.tenon.core.spi.NamePattern;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.core.storage.mounted.FilePlugin;
import dev.tenon.core.storage.mounted.MountedPlugin;
import dev.tenon.proto.Method;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The Perl class by which a PVE host uses a storage that the daemon serves. It loads without the daemon and without any
 * module of Tenon, declares nothing that is declared already, and never dies at load.
 *
 * @param name the last part of the package's name, which is the file's name without {@code .pm}
 * @param type the storage type in {@code storage.cfg}
 * @param plugin the name under which the daemon serves it
 * @param library Tenon's Perl library
 * @param socket the daemon's control socket
 * @param original the adopted plugin's own file, null for a storage in Java
 * @param base the class of PVE that it inherits from
 * @param mounts what the usual path of a storage begins with that is mounted from elsewhere, null if it is not
 * @param names the forms of its names; empty if they are those of PVE's base class, or if code tells them
 * @param freezes whether the file system of a container is frozen for a snapshot; the original says so itself
 * @param registration what it declares, and what it hands to PVE when it is loaded
 * @param remote the methods that the daemon answers; the class inherits the others
 * @param local the methods that the plugin's own code answers in the host's process
 */
public record ProxyClass(
        String name,
        String type,
        String plugin,
        Path library,
        Path socket,
        @Nullable Path original,
        String base,
        @Nullable String mounts,
        List<NamePattern> names,
        boolean freezes,
        Registration registration,
        Set<String> remote,
        Set<String> local) {
    private static final String TEMPLATE = "proxy-class.pm";
    private static final Pattern PLACE = Pattern.compile("__([A-Z]+)__");
    private static final String BASE_OF_ALL = "PVE::Storage::Plugin";
    private static final String MARK = "# Made by Tenon (proxy class ";
    private static final Pattern TYPE = Pattern.compile("\nsub type \\{\n    return '([^'\\\\]+)';");
    private static final MethodTable TABLE = StorageApi.API.table();

    /** These say what a plugin is; the class answers them from what it was made with. */
    private static final Set<String> METADATA = rows(row -> "class".equals(row.answered()));

    /** PVE asks these where no daemon can be asked: without one, for other nodes, and as another user. */
    private static final Set<String> PURE = rows(Method::pure);

    /** A plugin that says how names tell formats says so to its own base class, not to that of an older host. */
    private static final Set<String> NAMING = Set.of("alloc_image", "rename_volume");

    /** The host's base class does these without a plugin, unless a plugin has its own. */
    private static final Set<String> OF_BASE = rows(row -> "base".equals(row.answered()));

    private static Set<String> rows(Predicate<Method> which) {
        return TABLE.methods().values().stream()
                .filter(which)
                .map(Method::name)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Whether this is the text of such a class. */
    public static boolean isOne(String source) {
        return source.contains(MARK);
    }

    /** The storage type that the class with this text is for; empty if it is no such class. */
    public static Optional<String> typeOf(String source) {
        Matcher type = TYPE.matcher(source);
        return isOne(source) && type.find() ? Optional.of(type.group(1)) : Optional.empty();
    }

    /**
     * The class for a storage in Java. Its names and formats are those of PVE's class that it names, or patterns say
     * them.
     */
    public static ProxyClass ofJava(String name, String type, StoragePlugin plugin, Path library, Path socket) {
        Set<String> remote = new TreeSet<>(TABLE.methods().keySet());
        remote.removeAll(METADATA);
        remote.removeAll(PURE);
        remote.removeAll(OF_BASE);
        // What is mounted is the same on all nodes. A class of Java declares what PVE's own types declare already.
        boolean isMounted = plugin instanceof MountedPlugin;
        Registration registration = new Registration(
                literal(StorageApi.answer("pluginData", plugin.pluginData()), 1),
                plugin instanceof FilePlugin ? "{}" : literal(StorageApi.answer("properties", plugin.properties()), 1),
                literal(StorageApi.answer("options", plugin.options()), 1),
                isMounted || plugin.isShared() ? List.of(type) : List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                Map.of());
        return new ProxyClass(
                name,
                type,
                type,
                library,
                socket,
                null,
                plugin.hostClass(),
                isMounted ? MountedPlugin.DEFAULT_PARENT : null,
                plugin.namePatterns(),
                plugin.snapshotNeedsFreeze(),
                registration,
                remote,
                Set.of());
    }

    /**
     * The class for a Perl plugin that moves behind the daemon.
     *
     * @param registration what Perl told of it
     * @param overrides the methods that the plugin implements itself; what it inherits, the host's base class answers
     */
    public static ProxyClass ofPerl(
            String name,
            String type,
            Registration registration,
            Collection<String> overrides,
            Path original,
            Path library,
            Path socket) {
        Set<String> remote = new TreeSet<>(overrides);
        remote.removeAll(METADATA);
        Set<String> local = new TreeSet<>(remote);
        local.retainAll(PURE);
        remote.removeAll(local);
        if (local.stream().anyMatch(method -> TABLE.method(method).isDeclared())) {
            remote.addAll(NAMING);
        }
        return new ProxyClass(
                name,
                type,
                type,
                library,
                socket,
                original,
                BASE_OF_ALL,
                null,
                List.of(),
                false,
                registration,
                remote,
                local);
    }

    /** The Perl source. */
    public String source() {
        Map<String, String> parts = new TreeMap<>();
        parts.put("NAME", name);
        parts.put("LIBRARY", quoted(library.toString()));
        parts.put("SOCKET", quoted(socket.toString()));
        parts.put("PLUGIN", quoted(plugin));
        parts.put("ORIGINAL", original == null ? "undef" : quoted(original.toString()));
        parts.put("BASE", quoted(base));
        parts.put("MOUNTS", mounts == null ? "undef" : quoted(mounts));
        parts.put(
                "NAMES",
                names.stream().map(ProxyClass::form).collect(Collectors.joining("", names.isEmpty() ? "" : "\n", "")));
        parts.put("FREEZES", freezes ? "1" : "0");
        parts.put("REMOTE", indented(remote));
        parts.put("LOCAL", indented(local));
        parts.put("LEVEL", Integer.toString(TABLE.newestLevel()));
        parts.put("TYPE", quoted(type));
        parts.put("PLUGINDATA", registration.pluginData());
        parts.put("PROPERTIES", registration.properties());
        parts.put("OPTIONS", registration.options());
        parts.put(
                "SHARED", registration.shared().stream().map(ProxyClass::quoted).collect(Collectors.joining(", ")));
        parts.put("FORMATS", entries(registration.formats()));
        parts.put("STANDARD", entries(registration.standardOptions()));
        parts.put("FUNCTIONS", entries(registration.functions()));
        // In one pass, since a plugin's own words may look like a place of the template.
        return PLACE.matcher(template())
                .replaceAll(place ->
                        Matcher.quoteReplacement(Objects.requireNonNull(parts.get(place.group(1)), place.group())));
    }

    private static String form(NamePattern name) {
        return "    [" + quoted(name.pattern().pattern()) + ", "
                + quoted(name.type().word()) + ", " + (name.isBase() ? "1" : "''") + ", "
                + quoted(name.format().word()) + "],\n";
    }

    private static String template() {
        try (InputStream in = Objects.requireNonNull(ProxyClass.class.getResourceAsStream(TEMPLATE), TEMPLATE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String entries(Map<String, String> entries) {
        return new TreeMap<>(entries)
                .entrySet().stream()
                        .map(entry -> "    " + quoted(entry.getKey()) + " => " + entry.getValue() + ",\n")
                        .collect(Collectors.joining("", entries.isEmpty() ? "{" : "{\n", "}"));
    }

    private static String indented(Set<String> words) {
        return words.stream().sorted().collect(Collectors.joining("\n    "));
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    /** A value as Perl writes it. */
    private static String literal(Value value, int depth) {
        String pad = "    ".repeat(depth);
        return switch (value) {
            case Value.Nil ignored -> "undef";
            case Value.Text(String text) -> quoted(text);
            case Value.Bool(boolean truth) -> truth ? "1" : "0";
            case Value.Int(long number) -> Long.toString(number);
            case Value.Seq(List<Value> items) ->
                items.isEmpty()
                        ? "[]"
                        : items.stream()
                                .map(item -> pad + "    " + literal(item, depth + 1) + ",\n")
                                .collect(Collectors.joining("", "[\n", pad + "]"));
            case Value.Fields(Map<String, Value> entries) ->
                entries.isEmpty()
                        ? "{}"
                        : new TreeMap<>(entries)
                                .entrySet().stream()
                                        .map(entry -> pad + "    " + quoted(entry.getKey()) + " => "
                                                + literal(entry.getValue(), depth + 1) + ",\n")
                                        .collect(Collectors.joining("", "{\n", pad + "}"));
            case Value other -> throw new IllegalArgumentException(other.kind() + " has no place in a plugin's data");
        };
    }
}
