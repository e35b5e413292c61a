package dev.tenon.cli.storage;

import dev.tenon.cli.Surroundings;
import dev.tenon.cli.console.Json;
import dev.tenon.cli.console.Table;
import dev.tenon.cli.host.HostCommand;
import dev.tenon.cli.host.JsonOption;
import dev.tenon.core.spi.StorageException;
import dev.tenon.core.spi.StorageId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** A command that takes properties of storages. */
abstract class PropertiesCommand extends HostCommand {
    private static final String KEY = "encryption-key";

    @Parameters(hidden = true, arity = "0..*")
    private List<String> words = new ArrayList<>();

    @Mixin
    private JsonOption json = new JsonOption();

    /** What was given besides the options of the command. */
    final Given given() {
        try {
            return Given.parse(words);
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
    }

    final StorageId id(String name) {
        try {
            return new StorageId(name);
        } catch (StorageException e) {
            throw wrongUsage(e);
        }
    }

    /** The values of the properties, complete. */
    final Map<String, String> values(TypeProperties properties, Given given) {
        try {
            Map<String, String> values = new TreeMap<>(properties.values(
                    given.properties(), new SecretPrompt(streams().input())));
            if (properties.isSensitive(KEY)) {
                Optional<String> key = given.properties().getOrDefault(KEY, Optional.empty());
                key.filter(value -> !value.equals("autogen")).ifPresent(file -> values.put(KEY, keyFile(file)));
            }
            return values;
        } catch (IllegalArgumentException e) {
            throw wrongUsage(e);
        }
    }

    /** As with pvesm, a key is given by its file. */
    private String keyFile(String file) {
        boolean isKey = file.stripLeading().startsWith("{")
                || file.lines().anyMatch(line -> line.matches("[1-4] [0-9a-fA-F ]+"));
        if (isKey) {
            throw new IllegalArgumentException(
                    "--" + KEY + " takes the name of a key file and not what is in it: what is on"
                            + " a command line is seen by every user of this host");
        }
        try {
            return Files.readString(Surroundings.of(line().getCommandSpec()).path(file))
                    .strip();
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("there is no key file '" + file + "' (--" + KEY + ")");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the plugin answers, for instance a key that it has made. */
    final void print(Map<String, Object> answer) throws IOException {
        if (json.isGiven()) {
            Json.print(out(), answer);
        } else if (!answer.isEmpty()) {
            Table table = new Table().text("NAME").text("VALUE");
            answer.forEach((name, value) -> table.row(name, String.valueOf(value)));
            table.print(out(), terminal());
        }
    }
}
