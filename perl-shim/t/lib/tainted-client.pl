#!/usr/bin/perl -T

# Run by 14-client.t: calls through a tainted environment and uses what comes back where Perl minds taint.

use v5.36;

use Scalar::Util qw(tainted);

use Tenon::Client;

die "the environment is not tainted, so this proves nothing\n" if !tainted($ENV{TENON_SOCKET});
my $client = Tenon::Client->new;
my $tainted = substr($ENV{TENON_SOCKET}, 0, 0);

my @status = $client->call('dir', 'status', "nas$tainted", { path => "/srv$tainted" }, {});
my $path = $client->call('dir', 'path', { path => "/srv$tainted" }, 'a', 'nas');
my $list = $client->call('dir', 'list_images', 'nas', {}, undef, ["nas:a$tainted"]);
my @all = (@status, $path, map { ($_->%*) } $list->@*);
die "there is less than expected: @all\n" if @all < 9;
my @bad = grep { tainted($_) } @all;
die "tainted: @bad\n" if @bad;

# Only a path that is not tainted may be opened for writing.
open(my $fh, '>', $path) or die "cannot write '$path': $!\n";
print {$fh} "written under -T\n";
close($fh) or die "cannot write '$path': $!\n";
say 'good';
