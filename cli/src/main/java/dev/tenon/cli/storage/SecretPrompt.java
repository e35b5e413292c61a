package dev.tenon.cli.storage;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Asks for secrets: on a terminal without showing them, elsewhere the first is all of standard input. */
final class SecretPrompt {
    private static final int LONGEST = 64 * 1024;

    private final InputStream input;
    private boolean isRead;

    SecretPrompt(InputStream input) {
        this.input = input;
    }

    /**
     * The value of a property, without the line feed at its end.
     *
     * @throws IllegalArgumentException if there is none
     */
    @SuppressWarnings("SystemConsoleNull") // without a terminal JDK 25 has none, as before JDK 22
    String ask(String name) {
        Console console = System.console();
        if (console != null && console.isTerminal()) {
            char[] secret = console.readPassword("%s: ", name);
            return checked(name, secret == null ? "" : new String(secret));
        }
        if (isRead) {
            throw new IllegalArgumentException("there is no terminal to ask for '" + name
                    + "', and standard input was taken for another property already");
        }
        isRead = true;
        try {
            byte[] bytes = input.readNBytes(LONGEST + 1);
            if (bytes.length > LONGEST) {
                throw new IllegalArgumentException(
                        "the value of '" + name + "' on standard input is longer than " + LONGEST + " bytes");
            }
            return checked(name, new String(bytes, StandardCharsets.UTF_8).replaceFirst("\r?\n\\z", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String checked(String name, String secret) {
        if (secret.isEmpty()) {
            throw new IllegalArgumentException(
                    "the property '" + name + "' got no value, neither from a terminal nor on standard input");
        }
        return secret;
    }
}
