package dev.tenon.cli.backup;

import dev.tenon.cli.Surroundings;
import dev.tenon.core.backup.repository.Unlocking;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** By what an encrypted repository is opened. */
final class KeyOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command = CommandSpec.create();

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description =
                    "opens an encrypted repository: its key file, or what was typed from paper (default: the key of"
                            + " the storage)")
    private @Nullable String keyFile;

    @Option(
            names = "--passphrase-file",
            paramLabel = "FILE",
            description = "opens an encrypted repository: a file with its passphrase in one line")
    private @Nullable String passphraseFile;

    /** Null if none is given. */
    @Nullable
    Unlocking given() throws IOException {
        return given(command, keyFile, passphraseFile);
    }

    static @Nullable Unlocking given(CommandSpec command, @Nullable String keyFile, @Nullable String passphraseFile)
            throws IOException {
        if (keyFile != null) {
            if (passphraseFile != null) {
                throw StorageException.refused(
                        StorageError.BAD_PARAMETER, "give a key file or a passphrase's file, and not both");
            }
            return Unlocking.ofFile(text(command, keyFile));
        }
        return passphraseFile == null ? null : passphrase(command, passphraseFile);
    }

    static Unlocking passphrase(CommandSpec command, String file) throws IOException {
        return new Unlocking.Passphrase(text(command, file).replaceFirst("\r?\n\\z", ""));
    }

    private static String text(CommandSpec command, String file) throws IOException {
        Path path = Surroundings.of(command).path(file);
        try {
            return Files.readString(path);
        } catch (NoSuchFileException e) {
            throw StorageException.refused(StorageError.NOT_FOUND, "there is no file '" + file + "'");
        }
    }
}
