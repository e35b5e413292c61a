package dev.tenon.it.support;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The commands for storages and volumes, with a configuration in a scratch directory. */
public final class StorageCommands {
    /** The directory that every configuration has must not be used by tests. */
    private static final String START = "# made by hand\ndir: local\n\tpath /var/lib/vz\n\tdisable\n\n";

    private final Scratch scratch;
    private final List<String> options = new ArrayList<>();
    private boolean mayPrint;

    public StorageCommands(Scratch scratch) {
        this.scratch = scratch;
        write(START);
        options.addAll(List.of("--config", config().toString()));
        options.addAll(List.of("--adopted", adopted().toString()));
        options.addAll(List.of("--journal", scratch.file("journal").toString()));
    }

    /** With a directory storage of this name, which takes images, ISOs and backups. */
    public static StorageCommands withDirectory(Scratch scratch, String name) {
        StorageCommands commands = new StorageCommands(scratch);
        commands.write(START + "dir: " + name + "\n\tpath " + scratch.storage() + "\n\tcontent images,iso,backup\n\n");
        return commands;
    }

    /** The same with a Perl plugin. */
    public StorageCommands with(Path plugin) {
        StorageCommands commands = new StorageCommands(scratch);
        commands.options.addAll(List.of("--plugin", plugin.toString()));
        commands.mayPrint = true;
        return commands;
    }

    public Path config() {
        return scratch.file("storage.cfg");
    }

    /** Where adopted plugins would be. */
    public Path adopted() {
        return scratch.file("adopted");
    }

    /** The options that every command gets. */
    public List<String> options() {
        return List.copyOf(options);
    }

    public void write(String config) {
        try {
            Files.writeString(config(), config);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String written() {
        try {
            return Files.readString(config());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public TenonCommand run(String... words) {
        return TenonCommand.run(scratch, all(words));
    }

    /** The words with the options. */
    public String[] all(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.addAll(options);
        return all.toArray(String[]::new);
    }

    /** What a command prints that ends well and complains of nothing; a plugin may have its own words beside it. */
    public String said(String... words) {
        TenonCommand command = run(words);
        assertThat(command.errors().lines().filter(line -> !mayPrint || line.startsWith("tenon: ")))
                .as("errors of %s", List.of(words))
                .isEmpty();
        assertThat(command.status()).isZero();
        return command.said();
    }

    /** The one line that such a command prints. */
    public String line(String... words) {
        String said = said(words);
        assertThat(said.lines()).hasSize(1);
        return said.strip();
    }

    /** The array of objects that such a command prints as JSON. */
    public List<Map<String, Object>> list(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.add("--json");
        try {
            List<Map<String, Object>> objects = new ArrayList<>();
            for (Object object : JSON.std.listFrom(said(all.toArray(String[]::new)))) {
                String text = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES).asString(object);
                objects.add(JSON.std.mapFrom(text));
            }
            return objects;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The object that such a command prints as JSON. */
    public Map<String, Object> object(String... words) {
        List<String> all = new ArrayList<>(List.of(words));
        all.add("--json");
        try {
            return JSON.std.mapFrom(said(all.toArray(String[]::new)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
