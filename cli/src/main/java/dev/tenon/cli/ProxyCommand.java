package dev.tenon.cli;

import dev.tenon.bridge.serve.ProxyClass;
import dev.tenon.cli.host.SocketOption;
import dev.tenon.core.NativeTypes;
import dev.tenon.core.failure.Failures;
import dev.tenon.core.linux.AtomicFile;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.host.Adopted;
import dev.tenon.host.Home;
import dev.tenon.host.JavaStorages;
import dev.tenon.host.ProxiedTypes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The Perl class for a storage in Java. */
@Command(
        name = "proxy",
        mixinStandardHelpOptions = true,
        description = "Writes the Perl class through which a PVE host uses a storage type written in Java.",
        footer = {"", "Example: tenon proxy dir --output /usr/share/perl5/PVE/Storage/Custom/TenonDir.pm"})
final class ProxyCommand implements Callable<Integer> {
    private static final Map<String, StoragePlugin> NATIVE = NativeTypes.all();
    private static final int MODE_OF_NEW = 0644;

    @Parameters(paramLabel = "TYPE", description = "the storage type, for instance dir")
    private String type = "";

    @Option(
            names = "--as",
            paramLabel = "TYPE",
            description = "the type in storage.cfg (default: the same with 'tenon' in front)")
    private @Nullable String as;

    @Option(
            names = "--classpath",
            paramLabel = "PATH",
            defaultValue = "",
            description = "where a type is that is not Tenon's own, as for tenon serve")
    private String classPath = "";

    @Option(names = "--output", paramLabel = "FILE", description = "the file to write (default: standard output)")
    private @Nullable Path output;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            defaultValue = Adopted.DEFAULT,
            description = "where the daemon and the commands find a type that --as names (default: ${DEFAULT-VALUE})")
    private Path state = Path.of(Adopted.DEFAULT);

    @Mixin
    private SocketOption socket = new SocketOption();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws IOException {
        Map<String, StoragePlugin> types = new TreeMap<>(NATIVE);
        for (StoragePlugin other : JavaStorages.on(classPath)) {
            types.putIfAbsent(other.type(), other);
        }
        StoragePlugin plugin = types.get(type);
        if (plugin == null) {
            throw new IllegalArgumentException(
                    "there is no storage type '" + type + "' in Java; there are " + types.keySet());
        }
        boolean isNative = NATIVE.containsKey(type);
        if (!isNative && as != null && !as.equals(type)) {
            throw new IllegalArgumentException(
                    "the type '" + type + "' of the class path has this name everywhere; leave out --as");
        }
        String storageType = !isNative ? type : as == null ? ProxiedTypes.usual(type) : as;
        if (!storageType.matches("[a-z][a-z0-9-]*")) {
            throw new IllegalArgumentException(
                    "the type '" + storageType + "' must be of lower case letters, digits and '-'");
        }
        if (isNative && NATIVE.containsKey(storageType) && !storageType.equals(ProxiedTypes.usual(type))) {
            throw new IllegalArgumentException("the type '" + storageType + "' is PVE's own; choose another name");
        }
        Path target = output;
        String name = target == null
                ? "Tenon" + capitalized(type)
                : String.valueOf(target.getFileName()).replaceFirst("\\.pm$", "");
        if (!name.matches("[A-Za-z_]\\w*")) {
            throw new IllegalArgumentException(
                    "'" + name + "' is not a valid name for a Perl package; choose another file name");
        }
        String source = ProxyClass.ofJava(
                        name,
                        storageType,
                        plugin,
                        Home.perlShim().resolve("lib"),
                        socket.path().toAbsolutePath())
                .source();
        if (target == null) {
            spec.commandLine().getOut().print(source);
            spec.commandLine().getOut().flush();
            return 0;
        }
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)
                && !ProxyClass.isOne(Files.readString(target, StandardCharsets.ISO_8859_1))) {
            throw new IllegalArgumentException("'" + target + "' is no proxy of Tenon; it is not overwritten");
        }
        try {
            AtomicFile.replace(target, source.getBytes(StandardCharsets.UTF_8), MODE_OF_NEW);
        } catch (IOException e) {
            throw new IOException("'" + target + "' cannot be written: " + Failures.reason(e), e);
        }
        // PVE's web server reads it too, which is another user.
        Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r--r--"));
        if (isNative) {
            new ProxiedTypes(state).remember(storageType, type);
        }
        spec.commandLine()
                .getOut()
                .printf(
                        "'%s' is the proxy of storage type '%s'; restart the daemon (tenon serve), pvedaemon, pveproxy and pvestatd%n",
                        target, storageType);
        return 0;
    }

    private static String capitalized(String words) {
        return Stream.of(words.split("-"))
                .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
                .collect(Collectors.joining());
    }
}
