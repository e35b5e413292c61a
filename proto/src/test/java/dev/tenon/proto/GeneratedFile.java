package dev.tenon.proto;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file of the repository that is made from code. {@code -Dtenon.update=true} writes it instead of comparing. */
record GeneratedFile(Path path) {

    static GeneratedFile of(String relative) {
        return new GeneratedFile(Path.of("..").resolve(relative));
    }

    String text() {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void assertIs(CharSequence wanted) {
        try {
            if (Boolean.getBoolean("tenon.update")) {
                Files.writeString(path, wanted);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assertThat(text())
                .as(
                        "%s differs from the code it is made from; run 'mvn -pl proto test -Dtenon.update=true' and commit it",
                        path)
                .isEqualTo(wanted.toString());
    }
}
