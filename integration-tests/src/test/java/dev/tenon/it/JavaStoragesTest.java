package dev.tenon.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.it.support.Scratch;
import dev.tenon.it.support.TenonCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Class paths with storage types of others that cannot be used; one that can is in docs/examples. */
class JavaStoragesTest {
    private static Path classPath(Scratch scratch, String named) throws IOException {
        Path directory = Files.createDirectories(scratch.file("classes/META-INF/services"));
        Files.writeString(directory.resolve(StoragePlugin.class.getName()), named);
        return scratch.file("classes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"serve", "proxy"})
    void aClassPathThatDoesNotExistIsTold(String command, Scratch scratch) {
        Path nowhere = scratch.file("nowhere.jar");
        TenonCommand refused = command.equals("serve")
                ? TenonCommand.run(
                        scratch,
                        "serve",
                        "--socket",
                        scratch.runtime().resolve("c.sock").toString(),
                        "--classpath",
                        nowhere.toString())
                : TenonCommand.run(scratch, "proxy", "shelf", "--classpath", nowhere.toString());

        assertThat(refused.status()).isOne();
        assertThat(refused.errors()).isEqualTo("tenon: '" + nowhere + "' of the class path does not exist\n");
        assertThat(scratch.runtime().resolve("c.sock")).doesNotExist();
    }

    @Test
    void aClassPathWithoutStorageTypesIsTold(Scratch scratch) throws IOException {
        Path empty = Files.createDirectories(scratch.file("empty"));
        TenonCommand refused = TenonCommand.run(scratch, "proxy", "shelf", "--classpath", empty.toString());

        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .isEqualTo("tenon: there is no storage type on the class path '" + empty
                        + "'; a jar names its own in META-INF/services/dev.tenon.core.spi.StoragePlugin\n");
    }

    @Test
    void aClassThatIsMissingIsTold(Scratch scratch) throws IOException {
        Path classes = classPath(scratch, "org.example.Missing\n");
        TenonCommand refused = TenonCommand.run(scratch, "proxy", "shelf", "--classpath", classes.toString());

        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .startsWith("tenon: a storage type of the class path '" + classes + "' cannot be loaded: ")
                .contains("org.example.Missing");
    }

    @Test
    void aTypeThatIsAnsweredForAlreadyIsRefused(Scratch scratch) throws IOException {
        Path classes = classPath(scratch, "dev.tenon.core.storage.mounted.dir.DirPlugin\n");
        TenonCommand refused = TenonCommand.run(
                scratch,
                "serve",
                "--socket",
                scratch.runtime().resolve("c.sock").toString(),
                "--journal",
                scratch.file("journal").toString(),
                "--adopted",
                scratch.file("adopted").toString(),
                "--classpath",
                classes.toString());

        assertThat(refused.status()).isOne();
        assertThat(refused.errors())
                .endsWith(
                        "tenon: the class 'dev.tenon.core.storage.mounted.dir.DirPlugin' is of the type 'dir', which is"
                                + " answered for already\n");
    }
}
