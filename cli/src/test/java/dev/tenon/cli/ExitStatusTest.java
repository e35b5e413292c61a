package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

class ExitStatusTest {
    private static String told(Exception failure) {
        StringWriter errors = new StringWriter();
        try (PrintWriter err = new PrintWriter(errors)) {
            assertThat(ExitStatus.failed(err, failure)).isEqualTo(ExitStatus.FAILED);
        }
        return errors.toString();
    }

    @Test
    void whatIsWrongWithAFileIsToldAndNotItsNameAlone() {
        assertThat(told(new NoSuchFileException("/x"))).isEqualTo("tenon: '/x': No such file or directory\n");
        assertThat(told(new UncheckedIOException(new NotDirectoryException("/x"))))
                .isEqualTo("tenon: '/x': Not a directory\n");
        assertThat(told(new FileSystemException("/x", null, "Input/output error")))
                .isEqualTo("tenon: /x: Input/output error\n");
        assertThat(told(new IOException("it is wet"))).isEqualTo("tenon: it is wet\n");
    }
}
