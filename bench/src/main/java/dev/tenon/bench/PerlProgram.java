package dev.tenon.bench;

import dev.tenon.host.Home;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The Perl side of the comparisons. */
final class PerlProgram {
    private PerlProgram() {}

    static Path file(String name) {
        return Home.directory().resolve("bench/src/main/perl").resolve(name);
    }

    /** Starts one of the programs; what it complains of is shown. */
    static Process start(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                "perl", "-I" + Home.perlShim().resolve("lib"), file(name).toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
