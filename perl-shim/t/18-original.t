use v5.36;

use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use lib "$FindBin::Bin/../lib", "$FindBin::Bin/../compat", "$FindBin::Bin/lib";

use PVE::Storage;
use Tenon::Original;
use Tenon::Test::Data qw(error_of);

my $DIR = tempdir(CLEANUP => 1);

# A plugin file with this content, which is the name of its class, too.
sub plugin ($name, $source) {
    my $file = "$DIR/$name.pm";
    open(my $out, '>:raw', $file) or die "$file: $!\n";
    print {$out}
        "package PVE::Storage::Custom::$name;\nuse base qw(PVE::Storage::Plugin);\n$source"
        or die "$file: $!\n";
    close($out) or die "$file: $!\n";
    return $file;
}

subtest 'a plugin is compiled as PVE compiles it, whatever this Perl would rather have' => sub {
    my $file = plugin('ProtoPlugin', <<~'PERL');
        sub joined($$) { return "$_[0]-$_[1]" }
        sub parse_volname {
            my ($class, $volname) = @_;
            $counter += 1;
            my $handle = new IO::Handle;
            return ('images', joined $volname, $counter);
        }
        1;
        PERL
    my @parsed = Tenon::Original->call($file, 'parse_volname', 'vm-100-disk-0');
    is_deeply(
        \@parsed,
        ['images', 'vm-100-disk-0-1'],
        'prototypes, indirect objects and undeclared variables'
    );
};

subtest 'a plugin reads its own data and knows its own file' => sub {
    my $file = plugin('DataPlugin', <<~'PERL');
        use strict;
        use warnings;
        my @names = map { chomp; $_ } <DATA>;
        sub parse_volname { return (__FILE__, (caller(0))[2], @names) }
        1;
        __DATA__
        one
        two
        PERL
    my ($where, $line, @names) = Tenon::Original->call($file, 'parse_volname', 'x');
    is($where, $file, 'its file');
    is_deeply(\@names, [qw(one two)], 'what follows __DATA__');
};

subtest 'characters of a plugin in UTF-8 are characters' => sub {
    my $file = plugin('WordsPlugin', <<~"PERL");
        use utf8;
        sub parse_volname { return length('\xc3\xa4') }
        1;
        PERL
    is(Tenon::Original->call($file, 'parse_volname', 'x'), 1, 'one letter');
};

subtest 'what a plugin uses later is found where it says' => sub {
    my $library = File::Temp->newdir;
    my $file = plugin('LatePlugin', <<~"PERL");
        use lib '$library';
        sub parse_volname { require TenonLate; return TenonLate::word() }
        1;
        PERL
    open(my $fh, '>', "$library/TenonLate.pm") or die $!;
    print $fh "package TenonLate; sub word { return 'late' } 1;\n";
    close($fh) or die $!;
    local @INC = @INC;
    is(Tenon::Original->call($file, 'parse_volname', 'x'), 'late', 'its own library');
    is_deeply([grep { ref } @INC], [], 'nothing of the compilation is left');
};

subtest 'a plugin that does not compile is told in one sentence, again and again' => sub {
    my $broken = plugin('BrokenPlugin', "sub parse_volname { 1;\n");
    my $false = plugin('FalsePlugin', "sub parse_volname { return 1 }\n0;\n");
    for (1 .. 2) {
        like(
            error_of(sub { Tenon::Original->call($broken, 'parse_volname', 'x') }),
qr/\Athe adopted plugin's file '\Q$broken\E' does not compile: Missing right curly .*\n\z/,
            'a syntax error'
        );
        like(
            error_of(sub { Tenon::Original->call($false, 'parse_volname', 'x') }),
            qr/\Athe adopted plugin's file '\Q$false\E' does not compile: .* true value.*\n\z/,
            'a false value'
        );
    }
};

done_testing();
