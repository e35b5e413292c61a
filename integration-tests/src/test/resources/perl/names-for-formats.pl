# Reads lines of class, name, format and strict, with tabs between them, and prints what Tenon's own volname_for_format makes
# of each: = and the name, or ! and the words in which it is refused.

use v5.36;

use PVE::Storage;

use Tenon::Names;

Tenon::Names::install();
local $SIG{__WARN__} = sub { };
binmode(STDIN, ':encoding(UTF-8)');
binmode(STDOUT, ':encoding(UTF-8)');
while (my $line = <STDIN>) {
    chomp($line);
    last if $line eq '.';
    my ($class, $name, $format, $strict) = split(m/\t/, $line, -1);
    my $got = eval { "PVE::Storage::$class"->volname_for_format($name, $format, $strict) };
    say defined($got) ? "=$got" : '!' . ($@ =~ s/\n\z//r);
    STDOUT->flush;
}
