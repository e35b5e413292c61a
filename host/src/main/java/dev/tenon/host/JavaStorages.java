package dev.tenon.host;

import dev.tenon.core.NativeTypes;
import dev.tenon.core.spi.StoragePlugin;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Stream;

/** Storage types that others wrote in Java. */
public final class JavaStorages {
    private static final String ALL_JARS = "/*";

    private JavaStorages() {}

    /**
     * The storage types on a class path, new ones. A jar, or a directory with classes, names its own in {@code
     * META-INF/services/dev.tenon.core.spi.StoragePlugin}.
     *
     * @param classPath jars and directories with {@code :} between them; {@code DIR/*} stands for all jars of a
     *     directory. Empty for no class path
     * @throws IllegalArgumentException if something of it does not exist, a type cannot be loaded or is answered for already, or
     *     there is none
     */
    public static List<StoragePlugin> on(String classPath) throws IOException {
        if (classPath.isEmpty()) {
            return List.of();
        }
        List<URL> places = new ArrayList<>();
        for (String entry : classPath.split(File.pathSeparator, -1)) {
            for (Path file : files(entry)) {
                places.add(file.toUri().toURL());
            }
        }
        // It is open as long as the types are, until the process ends.
        ClassLoader loader =
                new URLClassLoader("storages", places.toArray(URL[]::new), JavaStorages.class.getClassLoader());
        List<StoragePlugin> found = new ArrayList<>();
        try {
            ServiceLoader.load(StoragePlugin.class, loader).forEach(found::add);
        } catch (ServiceConfigurationError | LinkageError e) {
            throw new IllegalArgumentException(
                    "a storage type of the class path '" + classPath + "' cannot be loaded: " + reason(e), e);
        }
        if (found.isEmpty()) {
            throw new IllegalArgumentException("there is no storage type on the class path '" + classPath
                    + "'; a jar names its own in META-INF/services/" + StoragePlugin.class.getName());
        }
        checkTypes(found);
        return found;
    }

    private static void checkTypes(List<StoragePlugin> found) {
        Set<String> taken = new HashSet<>();
        NativeTypes.all().keySet().forEach(type -> {
            taken.add(type);
            taken.add(ProxiedTypes.usual(type));
        });
        for (StoragePlugin plugin : found) {
            if (!taken.add(plugin.type())) {
                throw new IllegalArgumentException(
                        "the class '" + plugin.getClass().getName() + "' is of the type '" + plugin.type()
                                + "', which is answered for already");
            }
        }
    }

    private static String reason(Throwable e) {
        Throwable cause = e.getCause();
        return cause == null ? String.valueOf(e.getMessage()) : e.getMessage() + ": " + cause;
    }

    private static List<Path> files(String entry) throws IOException {
        if (entry.endsWith(ALL_JARS)) {
            List<Path> jars = new ArrayList<>();
            Path directory = existing(entry.substring(0, entry.length() - ALL_JARS.length()));
            try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, "*.jar")) {
                found.forEach(jars::add);
            }
            return jars.stream().sorted().toList();
        }
        return Stream.of(entry)
                .filter(name -> !name.isEmpty())
                .map(JavaStorages::existing)
                .toList();
    }

    private static Path existing(String name) {
        Path file = Path.of(name);
        if (!Files.exists(file)) {
            throw new IllegalArgumentException("'" + name + "' of the class path does not exist");
        }
        return file;
    }
}
