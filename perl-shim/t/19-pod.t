use v5.36;

use File::Find qw(find);
use FindBin;
use Test::More;

# Every function that others may call has a heading in the documentation of its module, and every heading a function.

my $lib = "$FindBin::Bin/../lib";
my @modules;
find({ no_chdir => 1, wanted => sub { push @modules, $_ if m/\.pm\z/ } }, $lib);

for my $file (sort @modules) {
    open(my $fh, '<:raw', $file) or die "cannot read '$file': $!\n";
    my $text = do { local $/ = undef; <$fh> };
    close($fh) or die "cannot read '$file': $!\n";
    my ($code, $pod) = split(m/^__END__$/m, $text, 2);

    # A package in braces is for its own module.
    $code =~ s/^package [\w:]+ \{.*?^\}//msg;
    my %public = map { $_ => 1 } grep { !m/\A_|\A(?:import|DESTROY)\z/ } $code =~ m/^sub (\w+)/mg;
    my %told;
    for my $heading (($pod // '') =~ m/^=head2 (.+)$/mg) {
        $told{$_} = 1 for $heading =~ m/\A\w+(?:, \w+)*\z/ ? split(m/, /, $heading) : ();
    }
    my $name = $file =~ s{\A\Q$lib\E/}{}r;
    is_deeply([grep { !$told{$_} } sort keys %public], [], "$name: every public function is told");
    is_deeply([grep { !$public{$_} } sort keys %told], [], "$name: what is told is there");
}

done_testing();
